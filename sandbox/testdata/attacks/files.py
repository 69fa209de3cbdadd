"""Lists every file of the sandbox with its contents' hash. As a writer it first makes a file in every folder ("make"), and
writes into every file too ("write")."""

import collections
import ctypes
import errno
import hashlib
import os
import pathlib
import stat
import sys

MARK = "left-by-an-earlier-build"
# /proc and /sys are the kernel's own; what of them could carry something over is listed by name below.
KERNEL = ("/proc", "/sys")
# These hold the time of the checkout, of which each build has its own: their names are listed, not their contents.
OF_THE_CHECKOUT = ("/tmp/workspace/.git", "/tmp/workspace/__pycache__")

# Each sandbox has a user of its own, whose name stands here.
OWN_NAMES = "/opt/vivarium/user/passwd"


def walk():
    yield "/"
    for folder, folders, files in os.walk("/"):
        folders[:] = [f for f in folders if os.path.join(folder, f) not in KERNEL + OF_THE_CHECKOUT[:1]]
        for name in folders + files:
            yield os.path.join(folder, name)


def describe(path):
    s = os.lstat(path)
    line = f"{stat.filemode(s.st_mode)} {'own' if s.st_uid == os.getuid() else s.st_uid}:{s.st_gid}"
    if stat.S_ISLNK(s.st_mode):
        return f"{line} -> {os.readlink(path)}"
    if stat.S_ISREG(s.st_mode) and not path.startswith(OF_THE_CHECKOUT):
        try:
            text = pathlib.Path(path).read_bytes()
            if path == OWN_NAMES:
                text = text.replace(b":%d:" % os.getuid(), b":own:")
            return f"{line} {hashlib.sha256(text).hexdigest()}"
        except PermissionError:
            return f"{line} {s.st_size} unreadable"
    return line


def listing():
    for path in sorted(set(walk())):
        try:
            print("FILE", path.encode(errors="replace").decode(), describe(path), sep="\t")
        except FileNotFoundError:  # of a process that ended, such as this one's own
            pass
    for kind in "shm", "sem", "msg":
        try:
            print("FILE", "/ipc/" + kind, len(pathlib.Path("/proc/sysvipc", kind).read_text().splitlines()) - 1, sep="\t")
        except FileNotFoundError:  # gVisor shows less
            print("FILE", "/ipc/" + kind, "not shown", sep="\t")
    print("LISTED", flush=True)


HOME_FILES = (".bashrc", ".profile", ".gitconfig", ".pydistutils.cfg", ".netrc", ".config/pip/pip.conf", ".pip/pip.conf",
              ".cache/pip/http/poison", ".local/lib/python3.11/site-packages/usercustomize.py")


def write(append_too):
    said = collections.Counter()
    for path in list(walk()):
        if path.startswith(OF_THE_CHECKOUT) or os.path.islink(path):
            continue
        if os.path.isdir(path):
            said[attempt(lambda: pathlib.Path(path, MARK).write_text(MARK))] += 1
        elif append_too and os.path.isfile(path) and path != __file__:
            said[attempt(lambda: append(path))] += 1
    for name in HOME_FILES:
        path = pathlib.Path.home() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        said[attempt(lambda: path.write_text("# " + MARK + "\n"))] += 1
    said["ipc " + attempt(segment)] += 1
    for what, n in said.items():
        print("WROTE", what, n, sep="\t")


def append(path):
    with open(path, "ab") as f:
        f.write(b"# " + MARK.encode() + b"\n")


def segment():
    if ctypes.CDLL(None, use_errno=True).shmget(0x4154, 4096, 0o1666) < 0:
        raise OSError(ctypes.get_errno(), "shmget")


def attempt(f):
    try:
        f()
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return "written"


print()  # unittest has begun a line
if sys.argv[1] == "write" or sys.argv[1] == "make" and not os.path.exists("/tmp/" + MARK):  # pip runs a setup.py twice
    write(append_too=sys.argv[1] == "write")
if sys.argv[1] != "make":
    listing()
