"""Sends the requests of requests.json, byte for byte, to a service of the sandbox. What of them arrives beyond the service,
the suite's oracles say."""

import base64
import json
import os
import pathlib
import re
import socket
import urllib.parse

from probe import Refused, main

HERE = pathlib.Path(__file__).parent
HOME = pathlib.Path(os.path.expanduser("~"))
SERVICE = os.environ.get("SERVICE_URL") or os.environ.get("PIP_INDEX_URL")
if SERVICE:
    (HOME / "service-url").write_text(SERVICE)
else:  # a later step: it is tried where the service was
    SERVICE = (HOME / "service-url").read_text()
TO = urllib.parse.urlsplit(SERVICE)

# The first answer may take its time; a second one, to a request hidden behind the first, comes at once.
FIRST, NEXT = 20, 0.3


def send(request):
    with socket.create_connection((TO.hostname, TO.port), FIRST) as s:
        s.sendall(request)
        answer = b""
        try:
            while piece := s.recv(65536):
                answer += piece
                s.settimeout(NEXT)
        except OSError:  # it was read until nothing more came, or cut off
            pass
    statuses = re.findall(rb"^HTTP/1\.[01] (\d{3}) ", answer, re.MULTILINE)
    if not statuses:
        raise Refused("no answer")
    return ", ".join(s.decode() for s in statuses)


def get(path, accept):
    request = f"GET {path} HTTP/1.1\r\nHost: {TO.netloc}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((TO.hostname, TO.port), FIRST) as s:
        s.sendall(request.encode())
        with s.makefile("rb") as f:
            head, _, body = f.read().partition(b"\r\n\r\n")
    return head.split()[1].decode(), body


def follow(project):
    """Asks for a project's page, then for the one file that it links to."""
    status, page = get(f"/simple/{project}/", "application/vnd.pypi.simple.v1+json")
    if status != "200":
        return f"page {status}"
    files = re.findall(rb'"url": ?"([^"]*)"', page)
    if not files:
        return "no link"
    status, body = get(files[0].decode(), "*/*")
    return f"{status} {body[:100].decode(errors='replace')}" if status != "200" else "200"


def attack(line):
    if "project" in line:
        return line["name"], "", lambda: follow(line["project"])
    return line["name"], "", lambda: send(base64.b64decode(line["request"]))


main([attack(line) for line in json.loads((HERE / "requests.json").read_text())])
