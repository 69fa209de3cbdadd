"""Looks for canaries wherever a build's programs can look, and says only which it found.

The control canary stands in a file of the repository; the test itself puts it into the
environment of a process and into git's configuration. It must be found in each place.
"""
import base64
import json
import os
import stat
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(__file__)
with open(os.path.join(HERE, "canaries.json")) as f:
    CANARIES = {
        name: bytes(b ^ 0x5A for b in base64.b64decode(text))
        for name, text in json.load(f).items()
    }
CONTROL = CANARIES["control"].decode()
# Files here may never end, or show the memory of this process, which holds the canaries.
SKIPPED = {"/proc", "/sys", "/dev"}
OF_A_PROCESS = ["environ", "cmdline", "status", "mountinfo", "maps", "net/tcp", "net/unix", "mem"]


def contents(path):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        with open(fd, "rb") as f:
            return f.read(256 << 20)
    except OSError:
        return b""


def in_files(found):
    for folder, folders, names in os.walk("/"):
        folders[:] = [d for d in folders if os.path.join(folder, d) not in SKIPPED]
        for name in names:
            path = os.path.join(folder, name)
            try:
                regular = stat.S_ISREG(os.lstat(path).st_mode)
            except OSError:
                continue
            if regular:
                found(contents(path))


def in_environment(found):
    for name, value in os.environ.items():
        found(f"{name}={value}".encode())


def in_processes(found):
    for pid in os.listdir("/proc"):
        if not pid.isdigit() or int(pid) == os.getpid():
            continue
        for name in OF_A_PROCESS:
            found(contents(f"/proc/{pid}/{name}"))
        for fd in listed(f"/proc/{pid}/fd"):
            found(os.fsencode(fd))


def listed(folder):
    try:
        return [os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)]
    except OSError:
        return []


def in_git(found):
    found(subprocess.run(["git", "config", "--list", "--show-origin"], capture_output=True).stdout)
    found(subprocess.run(["git", "remote", "-v"], capture_output=True).stdout)
    found(subprocess.run(["git", "log", "-p", "--all"], capture_output=True).stdout)


class Search(unittest.TestCase):
    def search(self, place, look):
        seen = set()

        def found(text):
            seen.update(name for name, canary in CANARIES.items() if canary in text)

        look(found)
        words = [f"{name} {'found' if name in seen else 'absent'}" for name in sorted(CANARIES)]
        print(f"SEARCH {place}: {', '.join(words)}", flush=True)
        self.assertEqual(seen, {"control"})

    def test_search(self):
        subprocess.run(["git", "config", "vivarium.control", CONTROL], check=True)
        sleeper = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"],
            env={**os.environ, "CONTROL": CONTROL},
        )
        try:
            self.search("processes", in_processes)
        finally:
            sleeper.kill()
            sleeper.wait()
        self.search("git", in_git)
        self.search("files", in_files)
        os.environ["CONTROL"] = CONTROL
        self.search("environment", in_environment)
        print("SEARCHED", flush=True)
        time.sleep(5)  # in which the engine is asked about this container
