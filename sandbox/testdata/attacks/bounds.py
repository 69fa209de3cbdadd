"""Looks, from inside, for a bound of the container that is missing. Whether the bounds hold when something runs into them
is another attack's business: here it is seen that each of them is set."""

import ctypes
import errno
import os
import pathlib
import platform
import resource

from probe import Refused, main

libc = ctypes.CDLL(None, use_errno=True)

# Every place of a sandbox that can be written to; in an open container those of them that are there.
PLACES = [p for p in ("/tmp", "/dev/shm", "/home/vivarium", "/opt/vivarium/env") if os.path.isdir(p)]
# Above what the suite gives a sandbox, below what a machine has.
MOST_BYTES, MOST_FILES = 2 << 30, 1 << 20
OPEN_FILES = 16384  # the default
NONE = 1 << 62  # where a cgroup has no limit
# Read here, since each attempt forgoes core files.
LIMITS = {name: resource.getrlimit(getattr(resource, name))[1] for name in ("RLIMIT_CORE", "RLIMIT_FSIZE", "RLIMIT_NOFILE")}

# The number of the System V segment that the suite makes on the machine, when it is there to be found.
SEGMENT = 0x76697661


def found(text, is_found):
    if is_found:
        return text
    raise Refused(text)


def writes_outside():
    """A file anywhere but in the places that are meant for it."""
    for folder in ("/var/tmp", "/run", "/run/lock", "/etc", "/usr/local/bin", "/opt/vivarium", "/"):
        path = os.path.join(folder, "written-by-attack")
        try:
            with open(path, "w") as f:
                f.write("attack")
            os.unlink(path)
            return path
        except OSError as e:
            last = e
    raise last


def flag_missing(flag):
    def f():
        without = [p for p in PLACES if not os.statvfs(p).f_flag & flag]
        return found(f"missing in {without} of {PLACES}", without)
    return f


def unbounded_bytes():
    sizes = {p: os.statvfs(p).f_blocks * os.statvfs(p).f_frsize for p in PLACES}
    return found(f"largest {max(sizes.values()) >> 20} MiB", max(sizes.values()) > MOST_BYTES)


def unbounded_files():
    """None at all is a file system that does not count."""
    files = {p: os.statvfs(p).f_files for p in PLACES}
    return found(f"files {sorted(files.values())}", any(n > MOST_FILES or n == 0 for n in files.values()))


def above(most, name):
    def f():
        return found(f"at most {LIMITS[name]}", LIMITS[name] == resource.RLIM_INFINITY or LIMITS[name] > most)
    return f


def own_cgroups():
    """By controller, empty for version 2. In a namespace of one's own all are /, as they are in sight of the machine's."""
    lines = pathlib.Path("/proc/self/cgroup").read_text().splitlines()
    return {name: path for _, names, path in (line.split(":", 2) for line in lines) for name in names.split(",")}


def limit(controller, file, file2):
    """What the cgroup's file says: of version 1, or else of version 2."""
    own = own_cgroups()
    for path in (f"{controller}/{own.get(controller, '')}/{file}", f"{controller}/{file}", f"{own.get('', '')}/{file2}", file2):
        try:
            text = pathlib.Path("/sys/fs/cgroup/" + path).read_text()
        except OSError:
            continue
        return NONE if text.split()[0] in ("max", "-1") else int(text.split()[0])
    raise Refused("this kernel shows no such cgroup")


def memory():
    bytes = limit("memory", "memory.limit_in_bytes", "memory.max")
    return found(f"{bytes >> 20} MiB", bytes > 1 << 40)


def swap():
    """Version 1 counts memory and swap together, version 2 swap alone."""
    alone = limit("memory", "memory.memsw.limit_in_bytes", "memory.swap.max")
    if "memory" in own_cgroups() and alone < 1 << 40:
        alone -= limit("memory", "memory.limit_in_bytes", "memory.max")
    return found(f"{alone >> 20} MiB", alone > 0)


def cpus():
    quota = limit("cpu", "cpu.cfs_quota_us", "cpu.max")
    return found(f"quota {quota}", quota == NONE)


def pids():
    most = limit("pids", "pids.max", "pids.max")
    return found(str(most), most == NONE)


def spared_by_the_oom_killer():
    score = int(pathlib.Path("/proc/self/oom_score_adj").read_text())
    return found(f"oom_score_adj {score}", score < 1000)


def cgroup_path():
    """Where the engine keeps its containers, with this one's ID."""
    paths = set(own_cgroups().values())
    return found(" ".join(sorted(paths)) or "no cgroup", paths - {"/"})


def machine_segment():
    if libc.shmget(ctypes.c_int(SEGMENT), ctypes.c_size_t(0), 0) == -1:
        number = ctypes.get_errno()
        raise OSError(number, errno.errorcode[number])
    return "a segment of the machine's"


def core_limit_of_nothing(set_limit):
    """With a limit of 0 a crash starts the program of the machine's core_pattern, with one of 1 byte it does not."""
    def attempt():
        set_limit()
        limits = resource.getrlimit(resource.RLIMIT_CORE)
        return found(f"limits {limits}", limits[0] != 1)

    return attempt


def setrlimit_by_number():
    """The system call that the C library no longer makes: it asks by prlimit64 instead."""
    number = {"x86_64": 160, "aarch64": 164}[platform.machine()]
    if libc.syscall(number, resource.RLIMIT_CORE, (ctypes.c_ulong * 2)(0, 0)) == -1:
        number = ctypes.get_errno()
        raise OSError(number, errno.errorcode[number])


def kernel_settings():
    flags = os.statvfs("/proc/sys").f_flag
    return found(f"mount flags {flags:#x}", not flags & os.ST_RDONLY)


def limits_pid1():
    """Sets a limit of PID 1 to what it is: one that may do this may also end it, by a limit of no CPU time."""
    resource.prlimit(1, resource.RLIMIT_CPU, resource.prlimit(1, resource.RLIMIT_CPU))


main([
    ("image", "writing to the image's own folders", writes_outside),
    ("devices", "looking for a writable place whose device files count", flag_missing(os.ST_NODEV)),
    ("set-uid", "looking for a writable place whose set-uid bits count", flag_missing(os.ST_NOSUID)),
    ("bytes", "looking for a writable place without bound on its bytes", unbounded_bytes),
    ("files", "looking for a writable place without bound on its files", unbounded_files),
    ("core", "asking for core files", above(1, "RLIMIT_CORE")),
    ("core-lowered", "prlimit(RLIMIT_CORE, 0), so that a crash starts the machine's core helper",
     core_limit_of_nothing(lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))),
    ("core-setrlimit", "the same by the system call setrlimit", core_limit_of_nothing(setrlimit_by_number)),
    ("file-size", "asking for a file of any size", above(MOST_BYTES, "RLIMIT_FSIZE")),
    ("open-files", "asking for more open files", above(OPEN_FILES, "RLIMIT_NOFILE")),
    ("memory", "looking for memory without limit", memory),
    ("swap", "looking for swap to use", swap),
    ("cpus", "looking for CPU time without limit", cpus),
    ("pids", "looking for processes without limit", pids),
    ("oom-score", "being spared by the OOM killer, before PID 1", spared_by_the_oom_killer),
    ("cgroup", "reading the engine's cgroup path", cgroup_path),
    ("ipc", "shmget of a segment of the machine's", machine_segment),
    ("kernel-settings", "looking for a /proc/sys that can be written to", kernel_settings),
    ("pid1-limits", "prlimit of PID 1", limits_pid1),
])
