"""Uses up what Linux counts by user, and locks what two sandboxes may share, then looks what is left: as "hold" it stays
until it is told to go, and a process of its own looks meanwhile; as "look" it only looks."""

import ctypes
import errno
import fcntl
import os
import signal
import socket
import stat
import sys
import time

from probe import Refused, main

libc = ctypes.CDLL(None, use_errno=True)
HELD = []  # what must stay open


def call(name, *args):
    result = getattr(libc, name)(*args)
    if result == -1:
        raise OSError(ctypes.get_errno(), name)
    return result


def inotify_instance():
    return call("inotify_init1", os.O_CLOEXEC)


class MqAttr(ctypes.Structure):
    _fields_ = [(n, ctypes.c_long) for n in ("flags", "maxmsg", "msgsize", "curmsgs")] + [("reserved", ctypes.c_long * 4)]


def message_queue():
    """One of the size that a queue has where nobody says another."""
    name, attr = b"/%d-%d" % (os.getpid(), len(HELD)), MqAttr(0, 10, 8192, 0)
    queue = call("mq_open", name, os.O_CREAT | os.O_RDWR, 0o600, ctypes.byref(attr))
    HELD.append(queue)
    return queue


def large_pipe():
    """A pipe of 1 MiB, which an ordinary user may have while all of theirs together are small."""
    reader, writer = os.pipe()
    HELD.extend((reader, writer))
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 1 << 20)


def in_flight():
    """Descriptors that are sent and not received: as many in a message as Linux takes."""
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    HELD.extend(pair)
    socket.send_fds(pair[0], [b"x"], [0] * 253)


def queued_signal():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
    call("sigqueue", os.getpid(), signal.SIGRTMIN, ctypes.c_void_p(0))


# By name: what is tried, how, and the most that an attack takes. More than that is no bound of a user's.
COUNTED = {
    "inotify": ("an inotify instance", inotify_instance, 1000),
    "queues": ("a POSIX message queue", message_queue, 200),
    "pipes": ("a pipe of 1 MiB", large_pipe, 300),
    "in-flight": ("sending 253 descriptors that nobody receives", in_flight, 200),
    "signals": ("a queued signal", queued_signal, 300_000),
}


def use_up(f, most):
    for _ in range(most):
        try:
            f()
        except OSError:
            return


def shared_files():
    """Files that two sandboxes may have in common: those of namespaces, devices, the kernel, and the image."""
    yield from (os.path.join("/proc/self/ns", name) for name in sorted(os.listdir("/proc/self/ns")))
    for top in ("/dev", "/etc", "/opt/vivarium", "/sys", "/proc/sys"):
        for folder, _, files in os.walk(top):
            if not folder.startswith(("/dev/fd", "/opt/vivarium/env")):
                yield from (os.path.join(folder, name) for name in files)


def lock(path):
    if not stat.S_ISREG(os.stat(path).st_mode) and not path.startswith("/dev/"):
        raise OSError(errno.ENODEV, path)
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def lock_all():
    for path in shared_files():
        try:
            HELD.append(lock(path))
        except OSError as e:
            if e.errno == errno.EMFILE:
                os.close(HELD.pop())  # who looks needs one
                return


def locks(names):
    """The files that somebody else has locked, of those that the name stands for."""
    def f():
        locked, free = [], 0
        for path in shared_files():
            if path.startswith("/proc/self/ns/") != (names == "namespaces"):
                continue
            try:
                os.close(lock(path))
                free += 1
            except BlockingIOError:
                locked.append(path)
            except OSError:
                pass
        if not locked:
            raise Refused(f"none of {free}")
        return " ".join(sorted(os.path.basename(p) for p in locked)) if names == "namespaces" else f"{len(locked)}, such as {locked[0]}"
    return f


def look():
    main([(name, tried, f) for name, (tried, f, _) in COUNTED.items()] +
         [("lock-" + names, "seeing another's locks on " + names, locks(names)) for names in ("namespaces", "files")])


if sys.argv[1] == "hold":
    for _, f, most in COUNTED.values():
        use_up(f, most)
    lock_all()
    pid = os.fork()
    if pid == 0:
        look()
    os.waitpid(pid, 0)
    print("HOLDING", flush=True)
    time.sleep(600)  # until the suite ends it
else:
    look()
