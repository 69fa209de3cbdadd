"""Uses up what a build may have. Every attack takes a dose: a small one is what many builds do, and passes.

Attacks that the sandbox meets with a refusal keep at it for some seconds, so that what they do to others is seen.
"""

import contextlib
import ctypes
import errno
import os
import signal
import sys
import time


class Struck(Exception):
    """The attack was stopped by a limit."""


def fork_bomb(generations, seconds):
    """Every process forks in every generation, and tries again when it is refused: 2 ** generations processes."""
    first, end, refused = os.getpid(), time.monotonic() + seconds, False
    for _ in range(generations):
        forked = False
        while not forked and time.monotonic() < end:
            try:
                os.fork()
                forked = True
            except BlockingIOError:
                refused = True
    if os.getpid() != first:
        os._exit(0)
    reap()
    if refused:
        raise Struck("a fork was refused")


def reap():
    """Waits for all children and counts those that a signal ended."""
    killed = 0
    with contextlib.suppress(ChildProcessError):
        while True:
            killed += os.WIFSIGNALED(os.wait()[1])
    return killed


def memory_bomb(mebibytes, seconds):
    """One child after the other takes memory; when it is killed, the next one tries."""
    end, killed = time.monotonic() + seconds, 0
    while True:
        if os.fork() == 0:
            held = [bytearray(1 << 20) for _ in range(mebibytes)]
            os._exit(not held)
        struck = reap()
        killed += struck
        if not struck or time.monotonic() > end:
            break
    if killed:
        raise Struck(f"{killed} processes were killed")


def small_bombs(processes, mebibytes, seconds):
    """Many processes take a little memory each; one that is killed is replaced."""
    reader, writer = os.pipe()

    def start():
        if os.fork() == 0:
            os.close(writer)
            held = bytearray(mebibytes << 20)
            os.read(reader, len(held))
            os._exit(0)

    for _ in range(processes):
        start()
    end, killed = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        if os.waitpid(-1, os.WNOHANG)[0]:
            killed += 1
            start()
        else:
            time.sleep(0.01)
    os.close(writer)
    killed += reap()
    if killed:
        raise Struck(f"{killed} processes were killed")


def disk_filler(folder, mebibytes):
    block = bytes(1 << 20)
    with open(os.path.join(folder, "filler"), "wb", buffering=0) as f:
        for _ in range(mebibytes):
            written = f.write(block)
            if written < len(block):
                raise Struck("a write was cut short")


def inode_bomb(folder, files):
    for n in range(files):
        os.close(os.open(os.path.join(folder, f"file-{n}"), os.O_CREAT | os.O_WRONLY))


def file_bomb(files, seconds):
    """Opens files and keeps them, and tries again when it is refused."""
    held, end, refused = [], time.monotonic() + seconds, 0
    while len(held) < files:
        try:
            held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError as e:
            if e.errno != errno.EMFILE:
                raise
            refused += 1
            if time.monotonic() > end:
                break
    for fd in held:
        os.close(fd)
    if refused:
        raise Struck(f"EMFILE after {len(held)} files")


def spinners(processes, seconds):
    end = time.monotonic() + seconds
    for _ in range(processes):
        if os.fork() == 0:
            while time.monotonic() < end:
                pass
            os._exit(0)
    reap()


def one_line(mebibytes):
    """Writes one line that does not end."""
    for _ in range(mebibytes):
        sys.stdout.write("x" * (1 << 20))
    sys.stdout.flush()


def output(mebibytes):
    line = "y" * 1023 + "\n"
    for _ in range(mebibytes << 10):
        sys.stdout.write(line)
    sys.stdout.flush()


def every_signal():
    return [n for n in range(1, signal.NSIG) if n not in (32, 33)]  # which the C library keeps for itself


def ignores_signals(seconds):
    """Sleeps on, whatever it is sent, in its own process and in a child's."""
    for n in every_signal():
        with contextlib.suppress(OSError):  # SIGKILL and SIGSTOP
            signal.signal(n, signal.SIG_IGN)
    os.fork()
    time.sleep(seconds)


def sleeps(seconds):
    time.sleep(seconds)


def signals_to_pid1():
    """Sends PID 1 every signal there is; the same signals end or stop an ordinary process, as is shown first."""
    ended = 0
    for n in every_signal():
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own answer is an exception
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # which Python ignores
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            time.sleep(5)
            os._exit(0)
        ended += is_ended_by(n, pid)
    sent = 0
    for _ in range(3):
        for n in every_signal():
            with contextlib.suppress(PermissionError):  # where it is another user's
                os.kill(1, n)
                sent += 1
    print(f"{ended} of {len(every_signal())} signals ended or stopped an ordinary process; {sent} sent to PID 1", flush=True)


def is_ended_by(n, pid):
    time.sleep(0.02)  # it has its handlers by then, or is ended all the same
    os.kill(pid, n)
    time.sleep(0.005)
    ended = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)[0] == pid
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
    return ended


BEATS = os.path.expanduser("~/beats")


def orphans(count):
    """Leaves processes behind that belong to nobody: forked twice, each in a session of its own, deaf to signals."""
    for _ in range(count):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                beat()
            os._exit(0)
    reap()
    print(f"{beats_within(0.5)} beats of the orphans", flush=True)


def beat():
    for n in every_signal():
        with contextlib.suppress(OSError):
            signal.signal(n, signal.SIG_IGN)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)  # else pip would wait for the end of its output
    with open(BEATS, "ab", buffering=0) as f:
        while True:
            f.write(b".")
            time.sleep(0.02)


def beats_within(seconds):
    def beats():
        return os.path.getsize(BEATS) if os.path.exists(BEATS) else 0
    before = beats()
    time.sleep(seconds)
    return beats() - before


def orphans_are_gone():
    """Looks in the next step for what the one before has left."""
    beats = beats_within(0.5)
    others = [int(p) for p in os.listdir("/proc") if p.isdigit() and int(p) not in (1, os.getpid(), os.getppid())]
    print(f"{os.path.getsize(BEATS)} beats before, {beats} now; other processes: {others}", flush=True)
    if beats or others:
        raise AssertionError("an orphan lives on")


def pressure_triggers(count, seconds):
    """The kernel takes some 10 ms to take down each trigger of a process that ends, and no signal hastens that."""
    held, refused = [], "no refusal"
    try:
        for _ in range(count):
            held.append(os.open("/proc/pressure/cpu", os.O_RDWR | os.O_NONBLOCK))
            os.write(held[-1], b"some 200000 2000000\0")
    except OSError as e:
        refused = errno.errorcode[e.errno]
    print(f"{len(held)} triggers, {refused}", flush=True)
    time.sleep(seconds)


def half_closed_terminals(count, seconds):
    """Without its first end a terminal has no name any more, and the kernel counts it until the second is closed."""
    held = []
    try:
        while len(held) < count:
            first, second = os.openpty()
            os.close(first)
            held.append(second)
    except OSError as e:
        print(f"{errno.errorcode[e.errno]} after {len(held)} terminals", flush=True)
    time.sleep(seconds)


def hidden_terminals(count, seconds):
    """The same in a process that nobody of its user may look into."""
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    half_closed_terminals(count, seconds)


def terminals(count, seconds):
    """The kernel has a number of pseudo-terminals for all containers together."""
    held = []
    try:
        while len(held) < count:
            held.append(os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY))
    except OSError as e:
        print(f"{errno.errorcode[e.errno]} after {len(held)} terminals", flush=True)
    time.sleep(seconds)
