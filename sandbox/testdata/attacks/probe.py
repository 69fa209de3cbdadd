"""What the attack programs share: it tries things, and tells in lines that the suite reads what came of them."""

import errno
import os
import resource
import signal
import sys

# A child's exit codes; others are error numbers.
WORKED, FAILED = 0, 255


class Refused(Exception):
    """Raised by an attempt that finds what it looks for absent, where no error number says so."""


def attempt(name, tried, f):
    """Calls f in a process of its own, since some refusals are deadly, and prints how that ended.

    f returns when it had its way (what it returns is shown), and raises OSError or Refused when not.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os._exit(child(f, writer))
    os.close(writer)
    with open(reader, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    status = os.waitpid(pid, 0)[1]
    print("PROBE", name, tried, *outcome(status, said), sep="\t", flush=True)


def child(f, writer):
    try:
        said, code = f(), WORKED
    except Refused as e:
        said, code = e, errno.EPERM
    except OSError as e:
        said, code = "", e.errno or FAILED
    except BaseException as e:  # a mistake of the program's own
        said, code = f"{type(e).__name__}: {e}", FAILED
    if said is not None:
        os.write(writer, str(said).replace("\t", " ").replace("\n", " ")[:200].encode())
    return code


def outcome(status, said):
    if os.WIFSIGNALED(status):
        return "refused", signal.Signals(os.WTERMSIG(status)).name
    code = os.WEXITSTATUS(status)
    if code == WORKED:
        return "worked", said
    if code == FAILED:
        return "broken", said
    return "refused", said or errno.errorcode.get(code, str(code))


def main(attacks):
    """Runs all attacks; a line at the end tells that none of them took the program with it."""
    for name, tried, f in attacks:
        attempt(name, tried, f)
    print("PROBED", len(attacks), sep="\t", flush=True)
    sys.exit(0)
