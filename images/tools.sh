#!/bin/sh
# Makes the tools layer of a runner image: run as root in a container from the base,
# which is then committed. Arguments: yes or no (is there a network?), the package index
# for flake8 (may be empty), full or slim, and lines of dpkg's configuration. Exit status
# 100: something must be installed, run me again with a network. What is there already is
# left alone.
set -eu
network=$1
index=$2
flavour=$3
shift 3
env=/opt/vivarium/env   # where a build has its venv; a venv cannot be moved
seed=/opt/vivarium/seed.tar # the venv that every build begins with, made for $env

fail() {
    echo "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }
has_module() { python3 -c "import $1" 2>/dev/null; }
has_flake8() { python3 -m flake8 --version >/dev/null 2>&1; }
has_headers() {
    python3 -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'
}
has_locale() { locale -a 2>/dev/null | grep -qix 'en_US.utf-\?8'; }
has_zones() { python3 -c 'import zoneinfo; zoneinfo.ZoneInfo("Europe/Stockholm")' 2>/dev/null; }

# Debian's Python takes packages from apt only; any other has a pip of its own.
is_debians() { [ "$(command -v python3)" = /usr/bin/python3 ] && has apt-get; }

# What the base lacks, by the names of Debian's packages.
missing=
needed() { missing="$missing $*"; }

# What a build cannot do without.
has python3 || fail "the base has no python3"
has git || needed git
has_module ensurepip,venv || needed python3-venv
# flake8 must run on the image's own Python, since its E9 is that Python's parser.
flake8=present
if ! has_flake8; then
    if is_debians; then needed flake8; else flake8=missing; fi
fi
required=$missing

# What people's tests take for granted.
if [ "$flavour" = full ]; then
    if is_debians; then
        has_module tkinter || needed python3-tk
        has_module dbm.gnu || needed python3-gdbm
        # Part of Python before 3.12, and by Debian packaged apart.
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 12))' ||
            has_module distutils.core,lib2to3.main || needed python3-distutils python3-lib2to3
        has_headers || needed libpython3-dev
    else
        has_module tkinter || needed libtk8.6
    fi
    has cc || needed gcc libc6-dev
    has make || needed make
    has ps || needed procps
    for program in curl unzip file; do
        has $program || needed $program
    done
    has_zones || needed tzdata
    has_locale || [ -e /usr/share/i18n/locales/en_US ] || needed locales
    if ! has apt-get && [ -n "$missing" ]; then
        echo "The base has no apt-get: it stays without what these packages bring:$missing"
        missing=$required
    fi
fi

if [ -n "$missing" ] || [ $flake8 = missing ]; then
    [ "$network" = yes ] || exit 100
fi
if [ -n "$missing" ]; then
    has apt-get || fail "the base lacks$missing and has no apt-get: install that in it"
    printf '%s\n' "$@" >/etc/dpkg/dpkg.cfg.d/vivarium
    [ -n "$(ls /var/lib/apt/lists 2>/dev/null)" ] || apt-get update -q
    # shellcheck disable=SC2086 # a list of names
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
    apt-get clean
    rm -rf /var/lib/apt/lists/*
fi
if [ $flake8 = missing ]; then
    python3 -m pip install --no-cache-dir --root-user-action=ignore ${index:+--index-url "$index"} flake8
fi
if [ "$flavour" = full ] && ! has_locale && has localedef; then
    localedef -i en_US -f UTF-8 en_US.UTF-8
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
