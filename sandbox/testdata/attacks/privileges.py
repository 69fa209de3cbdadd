"""Asks the kernel for what a build must not have."""

import contextlib
import ctypes
import errno
import mmap
import os
import signal
import socket
import struct
import subprocess
import time

from probe import Refused, main

libc = ctypes.CDLL(None, use_errno=True)

# System calls that have no wrapper, by their numbers on each machine.
NUMBERS = {
    "x86_64": {"bpf": 321, "keyctl": 250, "add_key": 248, "io_uring_setup": 425, "process_vm_readv": 310, "userfaultfd": 323,
               "perf_event_open": 298, "ptrace": 101, "kexec_load": 246, "init_module": 175, "open_by_handle_at": 304,
               "pivot_root": 155, "fsopen": 430, "clone": 56, "io_setup": 206, "setsockopt": 54, "seccomp": 317},
    "aarch64": {"bpf": 280, "keyctl": 219, "add_key": 217, "io_uring_setup": 425, "process_vm_readv": 270, "userfaultfd": 282,
                "perf_event_open": 241, "ptrace": 117, "kexec_load": 104, "init_module": 105, "open_by_handle_at": 265,
                "pivot_root": 41, "fsopen": 430, "clone": 220, "io_setup": 0, "setsockopt": 208, "seccomp": 277},
}[os.uname().machine]

MFD_HUGETLB, SHM_HUGETLB, MAP_HUGETLB = 0x4, 0o4000, 0x40000
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
AT_FDCWD = -100


def checked(result):
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(name, *args):
    return checked(libc.syscall(ctypes.c_long(NUMBERS[name]), *args))


def status(field, pid="self"):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(field + ":"):
                return line.split(":", 1)[1].strip()
    raise Refused(f"no {field} in /proc/{pid}/status")


def held(value, is_held):
    if is_held:
        return value
    raise Refused(value)


def capabilities():
    sets = {name: int(status(name), 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    text = " ".join(f"{name}={bits:x}" for name, bits in sets.items())
    return held(text, any(sets.values()))


def may_gain_privileges():
    return held("NoNewPrivs=" + status("NoNewPrivs"), status("NoNewPrivs") == "0")


def unfiltered():
    return held("Seccomp=" + status("Seccomp"), status("Seccomp") != "2")


def is_root():
    return held(f"uid {os.getuid()}, gid {os.getgid()}", os.getuid() == 0 or os.getgid() == 0)


def becomes_root():
    os.setresuid(0, 0, 0)
    return f"uid {os.getuid()}"


def set_id_programs():
    """A set-uid program changes the effective user only where privileges may be gained."""
    for path in ("/usr/bin/su", "/bin/su", "/usr/bin/passwd", "/usr/bin/chsh"):
        if os.path.exists(path) and os.stat(path).st_mode & 0o4000:
            held(path, status("NoNewPrivs") == "0" and not os.statvfs(path).f_flag & os.ST_NOSUID)
            return path
    raise Refused("no set-uid program")


def mounts():
    target = "/tmp/mounted"
    os.makedirs(target, exist_ok=True)
    checked(libc.mount(b"none", target.encode(), b"tmpfs", 0, None))
    checked(libc.umount2(target.encode(), 0))


def new_user_namespace_by_clone():
    pid = syscall("clone", ctypes.c_ulong(CLONE_NEWUSER | signal.SIGCHLD), None, None, None, None)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def joins_namespace():
    fd = os.open("/proc/1/ns/mnt", os.O_RDONLY)
    checked(libc.setns(fd, 0))


def chroots():
    os.chroot("/tmp")


def makes_device():
    os.mknod("/tmp/null-device", 0o600 | 0o020000, os.makedev(1, 3))
    os.unlink("/tmp/null-device")


def bpf():
    # BPF_MAP_CREATE of an array with one element of 4 bytes.
    attributes = struct.pack("=5I", 2, 4, 4, 1, 0).ljust(120, b"\0")
    syscall("bpf", 0, attributes, len(attributes))


class Program(ctypes.Structure):
    """One of classic BPF (struct sock_fprog), whose only instruction lets everything pass."""
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


PASS = Program(1, struct.pack("=HBBI", 6, 0, 0, 0x7fff0000))  # BPF_RET, SECCOMP_RET_ALLOW


def attaches(option, high=0):
    """high are bits of the level and the option that the kernel does not look at."""
    def f():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            syscall("setsockopt", s.fileno(), ctypes.c_ulong(socket.SOL_SOCKET | high), ctypes.c_ulong(option | high),
                    ctypes.byref(PASS), ctypes.c_uint(ctypes.sizeof(PASS)))
    return f


def filters_itself(call):
    """In a child, since a filter stays. Without privileges it asks that none can be gained."""
    def f():
        pid = os.fork()
        if pid == 0:
            libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
            os._exit(0 if call() != -1 else ctypes.get_errno())
        number = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if number:
            raise OSError(number, os.strerror(number))
    return f


def keyring():
    syscall("keyctl", 0, ctypes.c_long(-3), 1)  # KEYCTL_GET_KEYRING_ID of the session's, made when it is missing


def adds_key():
    syscall("add_key", b"user", b"vivarium-attack", b"x", ctypes.c_size_t(1), ctypes.c_long(-1))


def traces_child():
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    try:
        syscall("ptrace", 16, pid, None, None)  # PTRACE_ATTACH
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def io_uring():
    syscall("io_uring_setup", 1, bytes(120))


class IOVec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def reads_memory_of_others():
    source, target = ctypes.create_string_buffer(b"secret"), ctypes.create_string_buffer(6)
    local = IOVec(ctypes.cast(target, ctypes.c_void_p), 6)
    remote = IOVec(ctypes.cast(source, ctypes.c_void_p), 6)
    syscall("process_vm_readv", os.getpid(), ctypes.byref(local), ctypes.c_ulong(1), ctypes.byref(remote), ctypes.c_ulong(1),
            ctypes.c_ulong(0))


def userfaultfd():
    syscall("userfaultfd", 0o2000000)


def perf_event():
    attributes = struct.pack("=IIQ", 1, 120, 0).ljust(120, b"\0")
    syscall("perf_event_open", attributes, 0, -1, -1, ctypes.c_ulong(0))


def loads_module():
    try:
        syscall("init_module", b"", ctypes.c_ulong(0), b"")
    except OSError as e:
        reached_the_loader(e)


def loads_kernel():
    try:
        syscall("kexec_load", ctypes.c_ulong(0), ctypes.c_ulong(10 ** 6), None, ctypes.c_ulong(0))
    except OSError as e:
        reached_the_loader(e)


def reached_the_loader(e):
    """Who may load is refused for the nonsense that he loads."""
    if e.errno not in (22, 8, 14):  # EINVAL, ENOEXEC, EFAULT
        raise e


def opens_by_handle():
    # A handle of nonsense: who may use handles is told that it is stale or invalid.
    handle = struct.pack("=Ii8s", 8, 1, bytes(8))
    try:
        syscall("open_by_handle_at", AT_FDCWD, handle, 0)
    except OSError as e:
        if e.errno not in (22, 116):  # EINVAL, ESTALE
            raise


def opens_file_system():
    os.close(syscall("fsopen", b"tmpfs", 0))


def opens_socket(family, kind, protocol=0):
    def f():
        socket.socket(family, kind, protocol).close()
    return f


def asks_for_socket(family, kind, protocol, call=socket.socket):
    """Has its way where the kernel looks for the protocol, too: that is when it loads the module of one that it lacks."""
    def f():
        try:
            made = call(family, kind, protocol)
        except OSError as e:
            # EACCES is the kernel's own answer to who may not ping; EOPNOTSUPP when both of a pair are made and cannot be paired.
            if e.errno not in (errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EACCES, errno.EOPNOTSUPP):
                raise
            return f"the kernel has looked for it ({errno.errorcode[e.errno]})"
        for each in made if isinstance(made, tuple) else (made,):
            each.close()
        return "a socket"
    return f


def fills_netlink():
    """Messages that nobody reads wait in the kernel's memory, beyond every limit."""
    held = []
    for _ in range(20):
        s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2)  # NETLINK_USERSOCK
        s.bind((0, 0))
        s.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while len(held) < 200:
                s.sendto(bytes(60000), (s.getsockname()[0], 0))
                held.append(s)
    return f"{len(held) * 60000 >> 10} KiB wait"


def asynchronous_io():
    context = ctypes.c_ulong(0)
    syscall("io_setup", 1, ctypes.byref(context))


def maps_huge_pages():
    # MAP_NORESERVE, so that it does not matter whether there are any just now.
    libc.mmap.restype = ctypes.c_void_p
    none = ctypes.c_void_p(-1).value
    if libc.mmap(None, ctypes.c_size_t(2 << 20), 3, MAP_HUGETLB | 0x4000 | 0x22, -1, ctypes.c_long(0)) == none:
        checked(-1)


def shares_huge_pages():
    number = checked(libc.shmget(0, ctypes.c_size_t(2 << 20), SHM_HUGETLB | 0o10000 | 0o1600))  # SHM_NORESERVE, IPC_CREAT
    checked(libc.shmctl(number, 0, None))  # IPC_RMID


def runs_machine_code(code):
    """Calls code, which must return; it is what a 32-bit or x32 system call is made by."""
    memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)()


def calls_32_bit():
    # mov eax, 20 (getpid); push rbx; int 0x80; pop rbx; ret
    pid = runs_machine_code(b"\xb8\x14\x00\x00\x00\x53\xcd\x80\x5b\xc3")
    if pid < 0:
        raise OSError(-pid, os.strerror(-pid))
    return held(f"pid {pid}", pid == os.getpid())


def calls_x32():
    # mov eax, 0x40000027 (getpid); syscall; ret
    pid = runs_machine_code(b"\xb8\x27\x00\x00\x40\x0f\x05\xc3")
    if pid < 0:
        raise OSError(-pid, os.strerror(-pid))
    return f"pid {pid}"


def writes(path):
    """Writes to a file what it holds already, so that the control changes nothing."""
    def f():
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            file.write(text)
    return f


def writes_below_sys():
    """The first file below /sys that takes its own value."""
    tried = 0
    for folder in ("/sys/kernel/mm/transparent_hugepage", "/sys/module/printk/parameters", "/sys/fs/cgroup"):
        for root, _, files in os.walk(folder):
            for name in files:
                path = os.path.join(root, name)
                try:
                    os.close(os.open(path, os.O_WRONLY))
                    return path
                except OSError:
                    tried += 1
    raise Refused(f"none of {tried} files")




def traces_pid1():
    syscall("ptrace", 0x4206, 1, None, None)  # PTRACE_SEIZE, which does not stop it


def reads(path):
    def f():
        with open(path, "rb") as file:
            return f"{len(file.read(16))} bytes"
    return f


def lists_pid1_files():
    return " ".join(os.listdir("/proc/1/fd"))


def runs_set_uid_copy():
    """A program of one's own with the set-uid bit does not change the user."""
    path = "/tmp/set-uid"
    subprocess.run(["cp", "/bin/true", path], check=True)
    os.chmod(path, 0o4755)
    held("a set-uid bit of one's own counts", not os.statvfs(path).f_flag & os.ST_NOSUID)
    return path


ATTACKS = [
    ("capabilities", "looking for a capability in any of the five sets", capabilities),
    ("no-new-privileges", "looking whether privileges may be gained", may_gain_privileges),
    ("seccomp", "looking for a process without filter", unfiltered),
    ("root", "being root", is_root),
    ("setuid", "setresuid(0, 0, 0)", becomes_root),
    ("set-uid-program", "a set-uid program of the image", set_id_programs),
    ("set-uid-copy", "a set-uid bit on a file of one's own", runs_set_uid_copy),
    ("unshare-user", "unshare(CLONE_NEWUSER)", lambda: checked(libc.unshare(CLONE_NEWUSER))),
    ("unshare-mount", "unshare(CLONE_NEWNS)", lambda: checked(libc.unshare(CLONE_NEWNS))),
    ("unshare-net", "unshare(CLONE_NEWNET)", lambda: checked(libc.unshare(CLONE_NEWNET))),
    ("clone-user", "clone(CLONE_NEWUSER)", new_user_namespace_by_clone),
    ("setns", "setns to PID 1's mounts", joins_namespace),
    ("mount", "mount of a tmpfs", mounts),
    ("fsopen", "fsopen of a tmpfs", opens_file_system),
    ("chroot", "chroot", chroots),
    ("mknod", "mknod of a device", makes_device),
    ("bpf", "bpf(BPF_MAP_CREATE)", bpf),
    ("socket-filter", "setsockopt(SO_ATTACH_FILTER)", attaches(26)),
    ("filter-high-bits", "setsockopt(SO_ATTACH_FILTER) with bits that the kernel leaves out", attaches(26, 1 << 32)),
    ("reuseport-filter", "setsockopt(SO_ATTACH_REUSEPORT_CBPF)", attaches(51)),
    ("seccomp-filter", "seccomp(SECCOMP_SET_MODE_FILTER)",
     filters_itself(lambda: libc.syscall(ctypes.c_long(NUMBERS["seccomp"]), 1, 0, ctypes.byref(PASS)))),
    ("prctl-filter", "prctl(PR_SET_SECCOMP)", filters_itself(lambda: libc.prctl(22, ctypes.c_ulong(2), ctypes.byref(PASS)))),
    ("keyctl", "keyctl(KEYCTL_GET_KEYRING_ID)", keyring),
    ("add-key", "add_key", adds_key),
    ("ptrace", "ptrace(PTRACE_ATTACH) of a child", traces_child),
    ("io-uring", "io_uring_setup", io_uring),
    ("process-vm-readv", "process_vm_readv", reads_memory_of_others),
    ("userfaultfd", "userfaultfd", userfaultfd),
    ("perf-event", "perf_event_open", perf_event),
    ("kernel-module", "init_module", loads_module),
    ("kexec", "kexec_load", loads_kernel),
    ("file-handle", "open_by_handle_at", opens_by_handle),
    ("af-alg", "socket(AF_ALG)", opens_socket(socket.AF_ALG, socket.SOCK_SEQPACKET)),
    ("af-vsock", "socket(AF_VSOCK)", opens_socket(socket.AF_VSOCK, socket.SOCK_STREAM)),
    ("af-packet", "socket(AF_PACKET)", opens_socket(socket.AF_PACKET, socket.SOCK_RAW)),
    ("raw-socket", "socket(AF_INET, SOCK_RAW)", opens_socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)),
    ("raw-socket-v6", "socket(AF_INET6, SOCK_RAW)", opens_socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)),
    ("netlink-memory", "20 netlink sockets full of messages that nobody reads", fills_netlink),
    ("netlink-route", "socket(AF_NETLINK, NETLINK_ROUTE)", asks_for_socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)),
    ("netlink-events", "socket(AF_NETLINK, NETLINK_KOBJECT_UEVENT)", asks_for_socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)),
    ("netlink-module", "socket(AF_NETLINK, NETLINK_CRYPTO)", asks_for_socket(socket.AF_NETLINK, socket.SOCK_RAW, 21)),
    ("netlink-pair", "socketpair(AF_NETLINK)", asks_for_socket(socket.AF_NETLINK, socket.SOCK_RAW, 0, socket.socketpair)),
    ("sctp", "socket(IPPROTO_SCTP)", asks_for_socket(socket.AF_INET, socket.SOCK_STREAM, 132)),
    ("sctp-v6", "socket(AF_INET6, SOCK_SEQPACKET, IPPROTO_SCTP)", asks_for_socket(socket.AF_INET6, socket.SOCK_SEQPACKET, 132)),
    ("sctp-pair", "socketpair(IPPROTO_SCTP)", asks_for_socket(socket.AF_INET, socket.SOCK_STREAM, 132, socket.socketpair)),
    ("l2tp", "socket(IPPROTO_L2TP)", asks_for_socket(socket.AF_INET, socket.SOCK_DGRAM, 115)),
    ("udp-lite", "socket(IPPROTO_UDPLITE)", asks_for_socket(socket.AF_INET, socket.SOCK_DGRAM, 136)),
    ("dccp", "socket(SOCK_DCCP)", asks_for_socket(socket.AF_INET, 6, 33)),
    ("smc", "socket(IPPROTO_SMC)", asks_for_socket(socket.AF_INET, socket.SOCK_STREAM, 256)),
    ("mptcp", "socket(IPPROTO_MPTCP)", asks_for_socket(socket.AF_INET, socket.SOCK_STREAM, 262)),
    ("ping", "socket(SOCK_DGRAM, IPPROTO_ICMP)", asks_for_socket(socket.AF_INET, socket.SOCK_DGRAM, 1)),
    ("aio", "io_setup", asynchronous_io),
    ("huge-pages", "mmap(MAP_HUGETLB)", maps_huge_pages),
    ("huge-file", "memfd_create(MFD_HUGETLB)", lambda: os.close(os.memfd_create("huge", MFD_HUGETLB))),
    ("huge-segment", "shmget(SHM_HUGETLB)", shares_huge_pages),
    ("32-bit-call", "getpid by int 0x80", calls_32_bit),
    ("x32-call", "getpid of the x32 set", calls_x32),
    ("proc-sys", "writing /proc/sys/kernel/domainname", writes("/proc/sys/kernel/domainname")),
    ("proc-sys-net", "writing /proc/sys/net/ipv4/ip_default_ttl", writes("/proc/sys/net/ipv4/ip_default_ttl")),
    ("sys", "writing below /sys", writes_below_sys),
    ("pid1-trace", "ptrace(PTRACE_SEIZE) of PID 1", traces_pid1),
    ("pid1-memory", "reading /proc/1/mem", lambda: os.close(os.open("/proc/1/mem", os.O_RDONLY))),
    ("pid1-environment", "reading /proc/1/environ", reads("/proc/1/environ")),
    ("pid1-files", "listing /proc/1/fd", lists_pid1_files),
]

if os.uname().machine != "x86_64":
    ATTACKS = [a for a in ATTACKS if a[0] not in ("32-bit-call", "x32-call")]

if __name__ == "__main__":
    main(ATTACKS)
