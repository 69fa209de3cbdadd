#!/bin/sh
# Makes the tools layer of a runner image: run as root in a container from the base,
# which is then committed. Arguments: yes or no (is there a network?), and the package
# index for flake8 (may be empty). Exit status 100: something must be installed, run me
# again with a network. What is there already is left alone.
set -eu
network=$1
index=$2
env=/opt/vivarium/env   # where a build has its venv; a venv cannot be moved
seed=/opt/vivarium/seed.tar # the venv that every build begins with, made for $env

fail() {
    echo "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }
has_git() { has git; }
has_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null; }
has_flake8() { python3 -m flake8 --version >/dev/null 2>&1; }

apt_install() {
    has apt-get || fail "the base lacks $1 and has no apt-get: install $1 in it"
    [ -n "$(ls /var/lib/apt/lists 2>/dev/null)" ] || apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

# flake8 must run on the image's own Python, since its E9 is that Python's parser.
# Debian's Python takes packages from apt only; any other has a pip of its own.
install_flake8() {
    if [ "$(command -v python3)" = /usr/bin/python3 ] && has apt-get; then
        apt_install flake8
    else
        python3 -m pip install --no-cache-dir --root-user-action=ignore ${index:+--index-url "$index"} flake8
    fi
}

has python3 || fail "the base has no python3"

if ! { has_git && has_venv && has_flake8; }; then
    [ "$network" = yes ] || exit 100
    has_git || apt_install git
    has_venv || apt_install python3-venv
    has_flake8 || install_flake8
    if has apt-get; then
        apt-get clean
        rm -rf /var/lib/apt/lists/*
    fi
fi

# Written by hand, since not every base has useradd.
for file in passwd group; do
    if grep -v '^vivarium:' "/etc/$file" | cut -d: -f3 | grep -qx 10001; then
        fail "the base has 10001 in /etc/$file already"
    fi
    sed -i '/^vivarium:/d' "/etc/$file"
done
echo 'vivarium:x:10001:10001::/home/vivarium:/bin/sh' >>/etc/passwd
echo 'vivarium:x:10001:' >>/etc/group

rm -rf /opt/vivarium
mkdir -p /tmp/workspace /home/vivarium "$env"
python3 -m venv "$env"

# The image is read-only to builds, so whatever is not compiled now is compiled by
# every process of every build. The standard library has files that do not compile
# on purpose (tests of the compiler), so the exit status says nothing there.
python3 -m compileall -q "$env"
python3 - <<'PYTHON' | while read -r dir; do python3 -m compileall -q "$dir" || true; done
import os, sysconfig
import flake8
print(sysconfig.get_path("stdlib"))
print(os.path.dirname(os.path.dirname(flake8.__file__)))
PYTHON

# One file, since a build reads it at once; 1500 small ones took it eight times as long
# from an overlay.
tar -C "$env" -cf "$seed" .
rm -rf "$env"
mkdir "$env"
chown 10001:10001 /tmp/workspace /home/vivarium "$env"
python3 -c 'import platform; print(platform.python_version())' >/opt/vivarium/python-version
