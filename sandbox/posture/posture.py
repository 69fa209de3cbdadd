# What a sandbox can tell of itself, as one JSON object on standard output. posture.go
# runs this and judges; nothing is decided here. The argument is what is asked, as JSON: addresses
# to dial, and paths to try.
import ctypes, errno, json, os, resource, socket, stat, sys

LIMIT = 64 << 10  # bytes of one text
FILES = [
    "/proc/self/status", "/proc/self/cgroup", "/proc/self/mountinfo", "/proc/meminfo",
    "/proc/net/dev", "/proc/net/route", "/proc/net/ipv6_route", "/proc/sys/kernel/core_pattern", "/etc/hosts",
    "/proc/sys/fs/inotify/max_user_instances",
    # cgroup v2
    "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.swap.max", "/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/pids.max",
    # cgroup v1
    "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "/sys/fs/cgroup/pids/pids.max",
    "/sys/fs/cgroup/memory/memory.oom_control",
]
PLACES = ["/home/vivarium", "/opt/vivarium/env", "/tmp", "/dev/shm"]

# System calls by their numbers on x86-64 and arm64, with arguments that do nothing where the call is let through: the kernel
# then names another error than a filter does, wherever it looks at the arguments before it looks at who asks.
NONE, BAD = 0, (1 << 32) - 1
NEWUSER_AND_FS = 0x10000000 | 0x200  # which no process may ask for together
CALLS = {
    "ptrace": (101, 117, 3, NONE, NONE, NONE),
    "process_vm_readv": (310, 270, os.getpid(), NONE, 0, NONE, 0, 0),
    "process_vm_writev": (311, 271, os.getpid(), NONE, 0, NONE, 0, 0),
    "process_madvise": (440, 440, -1, NONE, 0, 0, BAD),
    "kcmp": (312, 272, os.getpid(), os.getpid(), 99, 0, 0),
    "pidfd_getfd": (438, 438, -1, -1, BAD),
    "bpf": (321, 280, 99, NONE, 1 << 20),
    "io_uring_setup": (425, 425, 0, NONE),
    "io_uring_enter": (426, 426, -1, 0, 0, BAD, NONE, 0),
    "io_uring_register": (427, 427, -1, 99, NONE, 0),
    "perf_event_open": (298, 241, NONE, 0, -1, -1, BAD),
    "userfaultfd": (323, 282, BAD),
    "keyctl": (250, 219, 9999, 0, 0, 0, 0),
    "add_key": (248, 217, NONE, NONE, NONE, 0, 0),
    "request_key": (249, 218, NONE, NONE, NONE, 0),
    "unshare": (272, 97, 0),
    "setns": (308, 268, -1, 0),
    "clone of a user namespace": (56, 220, NEWUSER_AND_FS, NONE, NONE, NONE, NONE),
    "mount": (165, 40, NONE, NONE, NONE, 0, NONE),
    "umount2": (166, 39, NONE, BAD),
    "chroot": (161, 51, NONE),
    "open_tree": (428, 428, -1, NONE, BAD),
    "fsconfig": (431, 431, -1, 0, NONE, NONE, 0),
    "mount_setattr": (442, 442, -1, NONE, BAD, NONE, 0),
    "open_by_handle_at": (304, 265, -1, NONE, 0),
    "quotactl": (179, 60, 0xff, NONE, 0, NONE),
    "personality": (135, 92, 0x40000),
    "io_setup": (206, 0, 0, NONE),
    "seccomp": (317, 277, 1, 0, NONE),
    "setsockopt of a filter": (54, 208, -1, 1, 26, NONE, 0),
    "getpid": (39, 172),  # the control
}
# Family, type and protocol. Where one is let through the kernel may load a module for it: on such an engine builds can as well.
SOCKETS = {
    "TCP": (2, 1, 0), "UDP over IPv6": (10, 2, 0), "Unix": (1, 1, 0),  # the controls
    "AF_ALG": (38, 5, 0), "AF_VSOCK": (40, 1, 0), "AF_PACKET": (17, 3, 0), "AF_BLUETOOTH": (31, 3, 1), "AF_TIPC": (30, 1, 0),
    "AF_NETLINK": (16, 3, 0), "the machine's device events": (16, 2, 15),
    "SCTP": (2, 1, 132), "MPTCP": (2, 1, 262), "SMC": (2, 1, 256), "UDP-Lite": (2, 2, 136), "L2TP": (2, 2, 115), "ping": (2, 2, 1),
}

libc = ctypes.CDLL(None, use_errno=True)


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read(LIMIT).decode("utf-8", "replace")
    except OSError:
        return None


def dial(host, port):
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        return "open"
    except OSError as e:
        return e.strerror or "no answer"


def loopback(address, family):
    """The control of every dial: one that must succeed."""
    try:
        with socket.create_server((address, 0), family=family) as s:
            return dial(*s.getsockname()[:2])
    except OSError as e:
        return e.strerror or "no address"


def owner(path):
    try:
        s = os.stat(path)
        return [s.st_uid, s.st_gid, s.st_mode & 0o7777]
    except OSError:
        return None


def filtered():
    """Whether our profile refuses a protocol that it does not list. No kernel has this one: one without
    a filter, or with Docker's own, says so, and does not deny the family."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, 255).close()
    except OSError as e:
        return e.errno == errno.EAFNOSUPPORT
    return False


def call(x86, arm, *args):
    """The error's name of a call that a process of its own makes, "" where there is none."""
    number = {"x86_64": x86, "aarch64": arm}[os.uname().machine]
    child = os.fork()
    if child == 0:
        failed = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, args)) == -1
        os._exit(ctypes.get_errno() if failed else 0)
    end = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if end < 0:
        return "signal %d" % -end
    return errno.errorcode.get(end, str(end)) if end else ""


def opened(family, kind, protocol):
    try:
        socket.socket(family, kind, protocol).close()
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))
    return ""


def shown(path):
    """What a path shows to a build: "open" where it is anything."""
    try:
        if os.path.isdir(path):
            return "open" if os.listdir(path) else "empty"
        with open(path, "rb", buffering=0) as f:
            return "open" if f.read(1) else "empty"
    except FileNotFoundError:
        return "absent"
    except OSError:
        return "refused"


def devices(top="/dev"):
    """The kind of each device file below /dev."""
    found = {}
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
                found[path] = "block" if stat.S_ISBLK(mode) else "character"
    return found


def kernel_log():
    """gVisor's kernel shows its messages to everybody, Linux in a container to nobody."""
    buffer = ctypes.create_string_buffer(LIMIT)
    n = libc.klogctl(3, buffer, len(buffer))
    return buffer.raw[:max(n, 0)].decode("utf-8", "replace")


asked = json.loads(sys.argv[1])
json.dump({
    "files": {path: text for path in FILES if (text := read(path)) is not None},
    "owners": {path: who for path in PLACES if (who := owner(path))},
    "rlimits": {name: resource.getrlimit(getattr(resource, "RLIMIT_" + name.upper())) for name in ("core", "fsize", "nofile")},
    "no_new_privs": libc.prctl(39, 0, 0, 0, 0),
    "profile": filtered(),
    "calls": {name: call(*how) for name, how in CALLS.items()},
    "sockets": {name: opened(*how) for name, how in SOCKETS.items()},
    "shown": {path: shown(path) for path in asked["closed"]},
    "devices": devices(),
    "hostname": os.uname().nodename,
    "kernel_log": kernel_log(),
    "loopback": loopback("127.0.0.1", socket.AF_INET),
    "loopback6": loopback("::1", socket.AF_INET6),
    "dials": {f"{host} {port}": dial(host, port) for host, port in asked["dials"]},
}, sys.stdout)
