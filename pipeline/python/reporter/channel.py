# The way out for records about tests: a ring of bytes that is shared with the process that watches
# over the sandbox (sandbox/report has its layout). A record costs a copy and no system call, and what
# was written outlives the process. Nothing here imports a module that a repository may have one of the
# same name of, and nothing stays in sys.modules.
__unittest = True  # frames of this file are left out of unittest's tracebacks


class Channel:
    SIZE = 1 << 20  # of the ring, a power of two
    DATA = 64  # where its bytes begin, after the words
    HIGH = 1024  # the connection's descriptor: tests that play a daemon close those below

    def __init__(self, name):
        import _socket
        import mmap
        import posix
        import time

        self.sleep = time.sleep
        self.look = _socket.MSG_DONTWAIT | _socket.MSG_PEEK
        memory = posix.memfd_create("vivarium-report")
        posix.ftruncate(memory, self.DATA + self.SIZE)
        self.ring = mmap.mmap(memory, self.DATA + self.SIZE)
        self.words = memoryview(self.ring)[:40].cast("Q")  # head, tail, state, capacity, process
        self.words[3] = self.SIZE
        self.words[4] = posix.getpid()
        self.socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self.socket.connect("\0" + name[1:])
        rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, memory.to_bytes(4, sys.byteorder))
        self.socket.sendmsg([b"M"], [rights])
        posix.close(memory)
        self.identity = posix.fstat
        self.raise_socket(_socket, posix)
        self.known = self.identity(self.socket.fileno())[1:3]
        self.open = [True]  # until a fork: in a child the ring is another process's
        self.write = self.writer()
        posix.register_at_fork(after_in_child=self.shut)

    def raise_socket(self, _socket, posix):
        """Gives the connection a high descriptor, if there is no other one of this number."""
        try:
            posix.fstat(self.HIGH)
        except OSError:
            pass
        else:
            return
        try:
            posix.dup2(self.socket.fileno(), self.HIGH, False)
        except OSError:  # the limit for open files is lower
            return
        self.socket.close()
        self.socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, self.HIGH)

    def is_ours(self):
        """Whether the descriptor is still the connection's: tests may close it and open another one."""
        try:
            return self.identity(self.socket.fileno())[1:3] == self.known
        except OSError:
            return False

    def writer(self):
        """What passes on a record, a line of ASCII text with its end. Tests wait for it, so it looks at
        one bound only, up to which there is room in one piece."""
        ring, words, size, first = self.ring, self.words, self.SIZE, self.DATA
        at, lap, bound = first, -first, first  # a place in the memory, what makes the head of it, and the bound

        def write(line):
            nonlocal at
            data = line.encode()
            end = at + len(data)
            if end > bound:
                return write_past(data)
            ring[at:end] = data
            at = end
            words[0] = lap + end

        def write_past(data):
            """Waits for room and moves the bound. In a child bound and ring are another process's."""
            nonlocal at, lap, bound
            head = lap + at
            while self.open and head + len(data) - words[1] > size:
                if not self.waits():
                    return
            if not self.open:
                return
            rest = first + size - at
            ring[at : at + len(data[:rest])] = data[:rest]
            if len(data) < rest:
                at += len(data)
            else:
                ring[first : first + len(data) - rest] = data[rest:]
                at, lap = first + len(data) - rest, lap + size
            words[0] = lap + at
            bound = min(first + size, words[1] + size - lap)

        def shut():
            nonlocal bound
            self.open.clear()
            bound = 0

        self.shut = shut
        return write

    def waits(self):
        """Waits a little for room; false says that nobody reads any more."""
        self.sleep(0.001)
        if not self.heard():
            self.shut()
        return bool(self.open)

    def heard(self):
        """Whether somebody still reads: who does so no more has closed the connection."""
        if not self.is_ours():
            return False
        try:
            return self.socket.recv(1, self.look) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def running(self, is_running):
        """Starts or stops the clock of one test."""
        if self.open:
            self.words[2] = 1 if is_running else 0

    def sync(self):
        """Waits until all that was printed and recorded before has been passed on."""
        if not self.open or not self.is_ours():
            return
        try:
            self.socket.send(b"S")
            if not self.socket.recv(1):
                self.socket.close()
        except OSError:
            pass  # the code under test may have closed it


class Nowhere:
    """Stands in for a channel where there is none."""

    def write(self, line):
        pass

    def running(self, is_running):
        pass

    def sync(self):
        pass


def open_channel():
    import posix

    name = posix.environ.get(b"VIVARIUM_REPORT")
    if not name:
        return Nowhere()
    try:
        return Channel(name.decode())
    except (OSError, AttributeError, ImportError):
        return Nowhere()
