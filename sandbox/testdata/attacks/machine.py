"""Looks, from inside, for what the kernel tells of the machine: its own files are nobody's to mask, so that a sandbox must."""

import os
import pathlib

from probe import Refused, main


def tells(path):
    """A file that says something."""
    def f():
        try:
            text = pathlib.Path(path).read_bytes()[:4096]
        except FileNotFoundError:
            raise Refused("there is none") from None
        if not text.strip(b"\0\n"):
            raise Refused("empty")
        return f"{len(text)} bytes"
    return f


def lists(path):
    """A folder that holds something."""
    def f():
        try:
            names = os.listdir(path)
        except FileNotFoundError:
            raise Refused("there is none") from None
        if not names:
            raise Refused("empty")
        return " ".join(names[:5])
    return f


def watches_pressure():
    fd = os.open("/proc/pressure/cpu", os.O_RDWR | os.O_NONBLOCK)
    os.write(fd, b"some 200000 2000000\0")
    os.close(fd)
    return "a trigger"


def watches_pressure_of_cgroup():
    """Where there is a cgroup of version 2, it has files of the same kind."""
    found = [p for p in pathlib.Path("/sys/fs/cgroup").glob("**/*.pressure") if os.access(p, os.R_OK)]
    if not found:
        raise Refused("this kernel shows no such cgroup")
    fd = os.open(found[0], os.O_RDWR | os.O_NONBLOCK)
    os.write(fd, b"some 200000 2000000\0")
    os.close(fd)
    return f"a trigger on {found[0]}"


def name_servers():
    """More than what every sandbox is told."""
    lines = set(pathlib.Path("/etc/resolv.conf").read_text().split("\n"))
    told = sorted(line for line in lines if line.startswith(("nameserver", "search", "domain", "options")))
    if told in (["nameserver 127.0.0.1"], ["nameserver 127.0.0.1", "options attempts:1"]):
        raise Refused("loopback alone")
    return "; ".join(told)


main([
    ("pressure", "reading /proc/pressure", lists("/proc/pressure")),
    ("pressure-trigger", "a trigger on /proc/pressure/cpu", watches_pressure),
    ("pressure-of-cgroup", "a trigger on the cgroup's own pressure", watches_pressure_of_cgroup),
    ("addresses", "reading /proc/kallsyms", tells("/proc/kallsyms")),
    ("memory-map", "reading /proc/iomem", tells("/proc/iomem")),
    ("interrupts", "reading /proc/interrupts", tells("/proc/interrupts")),
    ("timers", "reading /proc/timer_list", tells("/proc/timer_list")),
    ("command-line", "reading the kernel's command line", tells("/proc/cmdline")),
    ("disks", "reading /proc/partitions", tells("/proc/partitions")),
    ("disk-traffic", "reading /proc/diskstats", tells("/proc/diskstats")),
    ("memory-of-kernel", "reading /proc/zoneinfo", tells("/proc/zoneinfo")),
    ("keys", "reading /proc/key-users", tells("/proc/key-users")),
    ("modules", "listing /sys/module", lists("/sys/module")),
    ("kernel", "listing /sys/kernel", lists("/sys/kernel")),
    ("firmware", "listing /sys/firmware", lists("/sys/firmware")),
    ("buses", "listing /sys/bus", lists("/sys/bus")),
    ("block-devices", "listing /sys/block", lists("/sys/block")),
    ("name-server", "reading the machine's name servers", name_servers),
])
