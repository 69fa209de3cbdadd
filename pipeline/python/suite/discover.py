# Runs unittest with the arguments after this program as `python -m unittest` does, but for three things
# that keep other tests from a report: a module that puts something else in place of sys.stderr when it
# is imported; a shortDescription that fails, for which only -v asks; and a class that cannot be made.
import os
import sys

sys.path[0] = os.getcwd()  # as -m has it

import unittest

report = open(2, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace", closefd=False)


class Loader(unittest.TestLoader):
    def loadTestsFromTestCase(self, case):
        try:
            return super().loadTestsFromTestCase(case)
        except Exception as e:
            return self.suiteClass([failed(case, e)])


def failed(case, problem):
    """A test of the same module and class that fails with the problem."""

    def constructor(self):
        raise problem

    members = {"__module__": case.__module__, "constructor": constructor}
    return type(case.__name__, (unittest.TestCase,), members)("constructor")


class Result(unittest.TextTestResult):
    def getDescription(self, test):
        try:
            return super().getDescription(test)
        except Exception:
            return str(test)


class Runner(unittest.TextTestRunner):
    resultclass = Result

    def __init__(self, **options):
        super().__init__(stream=report, **options)


sys.argv[0] = "python -m unittest"
unittest.main(module=None, testLoader=Loader(), testRunner=Runner)
