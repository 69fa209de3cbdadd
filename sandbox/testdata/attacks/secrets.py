"""Dumps whatever a build can reach, place by place, and looks for canaries in it. The one called control stands in the
repository, and is planted in each place before that is searched: where it is not found, no other would be."""

import base64
import json
import os
import pathlib
import re
import stat
import subprocess
import sys
import urllib.request

from probe import Refused, main

HERE = pathlib.Path(__file__).parent
HOME = pathlib.Path(os.path.expanduser("~"))
MOST = 256 << 20  # bytes of one file; some never end
if os.environ.get("PIP_INDEX_URL"):  # this is the install step
    (HOME / "index-url").write_text(os.environ["PIP_INDEX_URL"])


def canaries():
    """In plain only in the process that searches, which does not search itself."""
    return {name: bytes(b ^ 0x5A for b in base64.b64decode(text))
            for name, text in json.loads((HERE / "canaries.json").read_text()).items()}


def search(look):
    """An attempt that has its way when look finds any canary but the control."""
    def f():
        known = canaries()
        seen = set()
        size = 0
        for text in look(known["control"].decode()):
            size += len(text)
            seen.update(name for name, canary in known.items() if canary in text)
        others = sorted(seen - {"control"})
        said = f"control {'found' if 'control' in seen else 'absent'} in {size} bytes"
        if others:
            return f"{said}, found {others}"
        raise Refused(said)
    return f


def contents(path):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        with open(fd, "rb") as f:
            return f.read(MOST)
    except (OSError, ValueError):
        return b""


def environment(control):
    os.environ["PLANTED"] = control
    yield "\n".join(f"{name}={value}" for name, value in os.environ.items()).encode()
    yield subprocess.run(["env"], stdout=subprocess.PIPE).stdout


class Sleeper:
    """A process that holds the control in its arguments, its environment, its memory and a memory-backed file."""

    def __init__(self, control):
        self.memfd = os.memfd_create("planted")
        os.write(self.memfd, control.encode())
        self.process = subprocess.Popen([sys.executable, "-c", "import time; print(flush=True); time.sleep(600)", control],
                                        pass_fds=[self.memfd], env={**os.environ, "PLANTED": control}, stdout=subprocess.PIPE)
        self.process.stdout.readline()  # a kernel shows no arguments yet when Popen learns that the program is loaded

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        os.close(self.memfd)


def others():
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != os.getpid()]


def of_processes(*names):
    def look(control):
        with Sleeper(control):
            for pid in others():
                for name in names:
                    yield contents(f"/proc/{pid}/{name}")
    return look


def memory(control):
    with Sleeper(control):
        for pid in others():
            yield from regions(pid)


def regions(pid):
    try:
        memory = open(f"/proc/{pid}/mem", "rb", 0)
        maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return
    with memory:
        for begin, end in re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw", maps, re.MULTILINE):
            try:
                memory.seek(int(begin, 16))
                yield memory.read(min(int(end, 16) - int(begin, 16), MOST))
            except (OSError, ValueError, OverflowError):
                continue


def is_file(path):
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def descriptors(control):
    """Whatever other processes hold open, memory-backed files too."""
    with Sleeper(control):
        for pid in others():
            try:
                numbers = os.listdir(f"/proc/{pid}/fd")
            except OSError:
                continue
            for n in numbers:
                path = f"/proc/{pid}/fd/{n}"
                if is_file(path):  # what is in a pipe is for somebody else
                    yield contents(path)


def files(_):
    """All of the file system; the control stands in planted.txt of the repository."""
    for folder, folders, names in os.walk("/"):
        folders[:] = [d for d in folders if os.path.join(folder, d) not in ("/proc", "/sys", "/dev")]
        for name in names:
            path = os.path.join(folder, name)
            try:
                regular = stat.S_ISREG(os.lstat(path).st_mode)
            except OSError:
                continue
            if regular:
                yield path.encode() + contents(path)


def shared_memory(control):
    planted = pathlib.Path("/dev/shm/planted")
    planted.write_text(control)
    for folder, _, names in os.walk("/dev/shm"):
        for name in names:
            yield name.encode() + contents(os.path.join(folder, name))
    planted.unlink()


def said_by(*commands, **more):
    for command in commands:
        yield subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more).stdout


def git(control):
    subprocess.run(["git", "config", "planted.control", control], cwd=HERE, check=True)
    yield from said_by(["git", "config", "--list", "--show-origin"], ["git", "remote", "-v"], ["git", "log", "-p", "--all"],
                       ["git", "credential", "fill"], input=b"protocol=https\nhost=github.com\n\n")


def pip(control):
    settings = HOME / "planted-pip.conf"
    settings.write_text(f"[global]\nproxy = {control}\n")
    # The variable takes away pip's files; what the product gives pip comes by variables too.
    env = {**os.environ, "PIP_CONFIG_FILE": str(settings)}
    yield from said_by([sys.executable, "-m", "pip", "config", "list"], env=env)
    yield from said_by([sys.executable, "-m", "pip", "config", "list"], [sys.executable, "-m", "pip", "config", "debug"])


def service(control):
    """What the index says, to right and wrong questions; in a later step nothing answers."""
    index = (HOME / "index-url").read_text()
    origin = index.split("/simple")[0]
    answered = False
    for path in (f"/simple/{control.lower().replace('_', '-')}/", "/", "/simple/", "/.env", "/../../.env", "/files/", "/metrics", "/debug/pprof/"):
        try:
            with urllib.request.urlopen(origin + path, timeout=10) as answer:
                text = str(answer.headers).encode() + answer.read()
        except urllib.error.HTTPError as e:
            text = str(e.headers).encode() + e.read()
        except OSError:
            continue
        answered = True
        yield text
    if not answered:
        raise Refused("nothing answers")


main([(name, tried, search(look)) for name, tried, look in [
    ("environment", "its environment", environment),
    ("environments", "every process's environment", of_processes("environ")),
    ("arguments", "every process's arguments", of_processes("cmdline")),
    ("facts", "what /proc tells of every process", of_processes("environ", "status", "mountinfo", "maps", "net/tcp", "net/unix", "stack")),
    ("memory", "every process's memory", memory),
    ("descriptors", "whatever any process has open", descriptors),
    ("files", "every file", files),
    ("shared-memory", "/dev/shm", shared_memory),
    ("git", "git's configuration, history and credentials", git),
    ("pip", "pip's configuration", pip),
    ("service", "what the package index answers", service),
]])
