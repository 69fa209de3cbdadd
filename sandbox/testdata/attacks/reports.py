"""Attacks on the way by which tests are reported. Each runs in a process of its own; beside it an
innocent client reports, is answered, and prints."""
import mmap, os, socket, struct, sys, time

CAPACITY = 1 << 16


class Client:
    def __init__(self):
        self.head = 0
        self.fd = os.memfd_create("report")
        os.ftruncate(self.fd, 64 + CAPACITY)
        self.ring = mmap.mmap(self.fd, 64 + CAPACITY)
        self.figure(24, CAPACITY)
        self.figure(32, os.getpid())
        self.socket = connect()
        socket.send_fds(self.socket, [b"R"], [self.fd])

    def figure(self, at, n):
        struct.pack_into("<Q", self.ring, at, n)

    def write(self, line):
        while self.head + len(line) - struct.unpack_from("<Q", self.ring, 8)[0] > CAPACITY:
            time.sleep(0.001)
        at = self.head % CAPACITY
        first = min(len(line), CAPACITY - at)
        self.ring[64 + at:64 + at + first] = line[:first]
        self.ring[64:64 + len(line) - first] = line[first:]
        self.head += len(line)
        self.figure(0, self.head)

    def sync(self):
        self.socket.sendall(b"S")
        return self.socket.recv(1) == b"s"


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect("\0" + os.environ["VIVARIUM_REPORT"][1:])
    return s


def nothing():
    assert Client().sync()


def cut_short():
    c = Client()
    c.write(b"hostile\n")
    os.ftruncate(c.fd, 8)


def head_jumps():
    c = Client()
    c.ring[64:] = b"hostile\n" * (CAPACITY // 8)
    c.figure(0, 1 << 40)


def head_back():
    c = Client()
    c.write(b"hostile\n" * 100)
    c.sync()
    c.figure(0, 8)


def endless_line():
    c = Client()
    for _ in range(1000):
        c.write(b"x" * 1000)


def endless_records():
    c = Client()
    while True:
        c.write(b"hostile\n" * 1000)


def half_a_line():
    c = Client()
    c.write(b"half of a hostile line, ")
    c.sync()
    time.sleep(60)


def too_many():
    clients, answered = [], 0
    for _ in range(100):
        try:
            clients.append(Client())
            clients[-1].socket.settimeout(2)
            answered += clients[-1].sync()
        except OSError:
            pass
    print("answered", answered)


def never_reads():
    c = Client()
    c.socket.setblocking(False)
    for _ in range(100000):
        try:
            c.socket.send(b"S" * 1000)
        except BlockingIOError:
            time.sleep(0.001)


def lingering():
    """A TCP connection that lingers for an hour, in a socket that waits in another one's message."""
    listener = socket.create_server(("127.0.0.1", 0))
    tcp = socket.create_connection(listener.getsockname())
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
    tcp.setblocking(False)
    try:
        while True:
            tcp.send(b"x" * 65536)
    except BlockingIOError:
        pass
    inner, outer = socket.socketpair()
    socket.send_fds(inner, [b"x"], [tcp.fileno()])
    hostile = connect()
    socket.send_fds(hostile, [b"R"], [outer.fileno()])
    tcp.close()
    inner.close()
    outer.close()
    time.sleep(60)


def no_memory():
    for fd in os.pipe() + (os.open("/dev/null", os.O_RDWR), os.open("/proc/self/mounts", os.O_RDONLY)):
        s = connect()
        socket.send_fds(s, [b"R"], [fd])
        assert s.recv(1) == b"", "it was taken"
    time.sleep(60)


def hanging():
    c = Client()
    c.write(b"start\n")
    c.figure(16, 1)
    time.sleep(60)


if __name__ == "__main__":
    kind = sys.argv[1]
    innocent = Client()
    if os.fork() == 0:
        globals()[kind]()
        os._exit(0)
    time.sleep(1)
    for i in range(5):
        print("before", i, flush=True)
        innocent.write(b"innocent %d\n" % i)
        if not innocent.sync():
            sys.exit("the innocent client is not answered")
        print("after", i, flush=True)
    if kind in ("hanging", "too_many"):
        os.wait()
