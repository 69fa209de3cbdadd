"""Sends something to every target of targets.json by every means. Whether it arrives, the suite's oracles say: a sender of
datagrams does not know."""

import json
import os
import pathlib
import socket
import struct

from probe import main

TARGETS = json.loads((pathlib.Path(__file__).parent / "targets.json").read_text())
TIMEOUT = 2


def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def tcp(host):
    with socket.create_connection((host, TARGETS["port"]), TIMEOUT) as s:
        s.sendall(b"attack")


def udp(host, port=None, payload=b"attack"):
    with socket.socket(family(host), socket.SOCK_DGRAM) as s:
        s.sendto(payload, (host, port or TARGETS["port"]))


def dns(host):
    # One question, an A record of attack.example, by hand: no resolver's settings are in the way.
    question = struct.pack(">6H", 0x4154, 0x0100, 1, 0, 0, 0) + b"\x06attack\x07example\0" + struct.pack(">2H", 1, 1)
    udp(host, 53, question)


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def icmp(host):
    """An echo request: by a raw socket, and where that is refused by a datagram socket, which needs no privilege."""
    six = ":" in host
    kind, protocol = (128, socket.IPPROTO_ICMPV6) if six else (8, socket.IPPROTO_ICMP)
    header = struct.pack(">BBHHH", kind, 0, 0, os.getpid() & 0xFFFF, 1) + b"attack"
    packet = struct.pack(">BBHHH", kind, 0, checksum(header), os.getpid() & 0xFFFF, 1) + b"attack"
    try:
        s = socket.socket(family(host), socket.SOCK_RAW, protocol)
    except PermissionError:
        s = socket.socket(family(host), socket.SOCK_DGRAM, protocol)
    with s:
        s.sendto(packet, (host, 0))


MEANS = {"tcp": tcp, "udp": udp, "dns": dns, "icmp": icmp}

ATTACKS = [(f"{means} {host}", f"{means} to {host}", lambda f=MEANS[means], h=host: f(h))
           for means, hosts in TARGETS["means"].items() for host in hosts]

if __name__ == "__main__":
    main(ATTACKS)
