"""Lets bytes wait in sockets that nobody reads, up to a bound, and stays a moment so that it can be seen from outside."""

import pathlib
import resource
import socket
import sys
import time

from probe import Refused, main

MOST = 600 << 20  # bytes
SEEN = 1.5  # seconds
MESSAGE = 768  # bytes of the kernel's memory for one byte that waits, measured with Linux 6.18


def most():
    """In the open no more than half of what the machine's TCP sockets may hold together: it is to go on working."""
    try:
        pages = int(pathlib.Path("/proc/sys/net/ipv4/tcp_mem").read_text().split()[2])
    except OSError:  # not shown to a sandbox
        return MOST
    return min(MOST, pages * resource.getpagesize() // 2)


def fill_connection(held, message, flags=0):
    """Sends one message again and again, both ways, until neither end takes more; tells how many bytes wait."""
    server = socket.create_server(("127.0.0.1", 0))
    one = socket.create_connection(server.getsockname())
    other, _ = server.accept()
    server.close()
    held += (one, other)
    sent = 0
    for s in (one, other):
        s.setblocking(False)
        try:
            while True:
                sent += s.send(message, flags)
        except BlockingIOError:
            pass
    return sent


def tcp(held):
    return fill_connection(held, bytes(1 << 16))


def tcp_small(held):
    """Each byte is kept alone: a list of sockets shows bytes, and not the kernel's memory for each message."""
    return fill_connection(held, b"x", socket.MSG_EOR) * MESSAGE


def udp(held):
    one, other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    other.bind(("127.0.0.1", 0))
    held.append(other)
    return sum(one.sendto(bytes(50_000), other.getsockname()) for _ in range(4))


def fills(one_more):
    def f():
        resource.setrlimit(resource.RLIMIT_NOFILE, [min(8000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])] * 2)
        held, total, end = [], 0, time.monotonic() + 15
        while total < most():
            total += one_more(held)
            if time.monotonic() > end:
                raise Refused(f"only {total >> 20} MiB in {len(held)} sockets")
        time.sleep(SEEN)
        return f"{total >> 20} MiB in {len(held)} sockets"
    return f


chosen = sys.argv[1:] or ["tcp", "tcp-small", "udp"]
main([(name, tried, f) for name, tried, f in (
    ("tcp", "600 MiB in TCP connections that nobody reads", fills(tcp)),
    ("tcp-small", "600 MiB of the kernel's memory in messages of one byte that nobody reads", fills(tcp_small)),
    ("udp", "600 MiB in UDP sockets that nobody reads", fills(udp)),
) if name in chosen])
