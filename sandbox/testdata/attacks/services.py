"""Looks for the two services that the server offers: the index answers while setup.py runs, and nothing does later."""

import http.client
import os
import pathlib
import re
import socket
import urllib.parse

from probe import Refused, main

HOME = pathlib.Path(os.path.expanduser("~"))
INDEX = os.environ.get("PIP_INDEX_URL")
if INDEX:  # this is the install step
    (HOME / "index-url").write_text(INDEX)


def port_of(url):
    return urllib.parse.urlsplit(url).port


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    return f"status {connection.getresponse().status}"


def index():
    url = (HOME / "index-url").read_text()
    return get(port_of(url), urllib.parse.urlsplit(url).path)


def git():
    head = pathlib.Path(__file__).parent.joinpath(".git", "FETCH_HEAD").read_text()
    port = int(re.search(r"127\.0\.0\.1:(\d+)", head).group(1))
    return get(port, "/repo.git/info/refs?service=git-upload-pack")


def listening(family, address):
    found = []
    for port in range(1, 65536):
        with socket.socket(family, socket.SOCK_STREAM) as s:
            if s.connect_ex((address, port)) == 0 and s.getsockname() != s.getpeername():
                found.append(port)
    if not found:
        raise Refused("none of 65535 ports")
    return f"ports {found}"


main([
    ("git", "asking the git service", git),
    ("index", "asking the index service", index),
    ("ports", "connecting to every port of 127.0.0.1", lambda: listening(socket.AF_INET, "127.0.0.1")),
])
