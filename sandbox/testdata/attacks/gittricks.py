"""What ran while a hostile repository was cloned, and what runs when git is then told to use what it names."""

import os
import pathlib
import subprocess
import unittest

MARKS = pathlib.Path("/tmp/ran")
NEW = ["checkout-index", "--prefix=/tmp/out/"]
CONTROLS = {
    "filter": ["-c", "filter.evil.smudge=sh payload.sh filter", *NEW, "a.evil"],
    "lfs-pointer": ["-c", "filter.lfs.smudge=sh payload.sh lfs-pointer", *NEW, "asset.bin"],
    "hooks": ["-c", "core.hooksPath=.githooks", "checkout", "-q", "-f"],
    "bare-repository": ["-C", "bare", "status"],
    "submodule-ext": ["-c", "protocol.ext.allow=always", "submodule", "update", "--init", "ext"],
    "submodule-file": ["-c", "protocol.file.allow=always", "submodule", "update", "--init", "file"],
    "config-of-the-tree": ["-c", "include.path=/tmp/workspace/.gitconfig", "evil"],
}


def ran(name):
    # A submodule by file:// runs nothing; what it brings is the mark.
    return (MARKS.with_name(f"ran-{name}").exists()
            or name == "submodule-file" and os.path.exists("/tmp/workspace/.git/modules/file"))


class Tricks(unittest.TestCase):
    def test(self):
        before = {name: ran(name) for name in CONTROLS}
        subprocess.run(["git", "init", "-q", "--bare", "/tmp/target.git"], check=True)
        print()
        for name, argv in CONTROLS.items():
            done = subprocess.run(["git", *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=60)
            words = done.stdout.decode(errors="replace").replace("\n", " ").replace("\t", " ")
            detail = "ran" if ran(name) else f"{done.returncode}: {words}"[-200:]
            print("PROBE", name, "git " + " ".join(argv), "worked" if before[name] else "refused", detail, sep="\t")
        print("PROBED", len(CONTROLS), sep="\t", flush=True)
