"""Runs modules of CPython's package test, or single tests, and notes how each test ended.

usage: runner.py RESULTS NAME...   RESULTS gets one JSON object a line.
"""
import json
import os
import sys
import unittest


class Recorder(unittest.TextTestResult):
    def note(self, test, outcome, detail=""):
        # Opened each time: tests count open files, and a test may end the process.
        with open(results, "a") as f:
            print(json.dumps({"id": test.id(), "outcome": outcome, "detail": str(detail)[-1500:]}), file=f)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "passed")

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "failed", self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "failed", self.failures[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.note(test, "failed", f"{subtest}: {err[1]!r}")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "skipped", reason)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.note(test, "passed")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note(test, "failed", "unexpected success")


# Processes that multiprocessing spawns import this file too.
if __name__ == "__main__":
    results, names = sys.argv[1], sys.argv[2:]
    from test import support
    from test.support import os_helper

    support.verbose = 1
    # Not "cpu" and the like. Some tests of local sockets call themselves "network" too; those of the
    # Internet do not reach it on either side.
    support.use_resources = ["network"]
    with os_helper.temp_cwd(os.path.join(os.environ["TMPDIR"], "cwd")):
        tests = unittest.defaultTestLoader.loadTestsFromNames(names)
        unittest.TextTestRunner(verbosity=2, resultclass=Recorder).run(tests)
    with open(results, "a") as f:
        print(json.dumps({"id": "", "outcome": "complete", "detail": ""}), file=f)
