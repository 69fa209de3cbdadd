"""Crashes as a program does that wants the machine's core helper to be started for it."""

import os
import resource
import signal

from probe import Refused, main


def crashes():
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), signal.SIGSEGV)
    status = os.waitpid(pid, 0)[1]
    if os.WTERMSIG(status) != signal.SIGSEGV:
        raise Refused(f"it ended with {status}")
    return "crashed"


main([("crash", "crashing with a core limit of 0", crashes)])
