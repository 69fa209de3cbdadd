# What a sandbox can tell of itself, as one JSON object on standard output. posture.go
# runs this and judges; nothing is decided here. The arguments are addresses to dial:
# HOST PORT HOST PORT ...
import ctypes, errno, json, os, resource, socket, sys

LIMIT = 64 << 10  # bytes of one text
FILES = [
    "/proc/self/status", "/proc/self/cgroup", "/proc/self/mountinfo", "/proc/meminfo",
    "/proc/net/dev", "/proc/net/route", "/proc/net/ipv6_route",
    # cgroup v2
    "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.swap.max", "/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/pids.max",
    # cgroup v1
    "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "/sys/fs/cgroup/pids/pids.max",
]
PLACES = ["/workspace", "/home/vivarium", "/opt/vivarium/env", "/tmp", "/dev/shm"]

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


def loopback():
    """The control of every dial: one that must succeed."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        return dial(*s.getsockname())


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


def kernel_log():
    """gVisor's kernel shows its messages to everybody, Linux in a container to nobody."""
    buffer = ctypes.create_string_buffer(LIMIT)
    n = libc.klogctl(3, buffer, len(buffer))
    return buffer.raw[:max(n, 0)].decode("utf-8", "replace")


args = sys.argv[1:]
json.dump({
    "files": {path: text for path in FILES if (text := read(path)) is not None},
    "owners": {path: who for path in PLACES if (who := owner(path))},
    "rlimits": {name: resource.getrlimit(getattr(resource, "RLIMIT_" + name.upper())) for name in ("core", "fsize", "nofile")},
    "no_new_privs": libc.prctl(39, 0, 0, 0, 0),
    "profile": filtered(),
    "kernel_log": kernel_log(),
    "loopback": loopback(),
    "dials": {f"{host} {port}": dial(host, port) for host, port in zip(args[::2], args[1::2])},
}, sys.stdout)
