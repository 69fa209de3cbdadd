# Runs unittest and records each test as it ends. What it prints is what `python -m unittest -v` prints,
# and a test is asked for nothing that plain unittest would not ask it for, but for three things that
# keep other tests from a report: a module that puts something else in place of sys.stderr when it is
# imported; a shortDescription that fails, for which only -v asks; and a class that cannot be made.


class Stream:
    """The stream of the report: file descriptor 2, whatever stands in place of sys.stderr."""

    def __init__(self, encoding):
        import posix

        self.put = posix.write
        self.encoding = encoding or "utf-8"
        self.errors = "backslashreplace"
        self.pending = []
        self.write = self.pending.append

    def writeln(self, text=None):
        if text:
            self.write(text)
        self.write("\n")
        self.flush()

    def flush(self):
        data = "".join(self.pending).encode(self.encoding, self.errors)
        self.pending.clear()
        try:
            while data:
                data = data[self.put(2, data) :]
        except OSError:
            pass  # the code under test may have closed it: the records tell how the tests ended

    def fileno(self):
        return 2

    def isatty(self):
        return False


def in_unittest(function, name):
    module = getattr(function, "__module__", "")
    return module in ("unittest.case", "unittest.suite", "unittest.loader", "doctest")


class Names:
    """The names of tests, without asking a test that has a method id of its own."""

    def __init__(self, unittest):
        self.prefixes = {}
        self.holder = unittest.suite._ErrorHolder
        self.failed = unittest.loader._FailedTest
        self.subtest = unittest.case._SubTest
        self.own = unittest.TestCase.id

    def of(self, test):
        cls = test.__class__
        prefix = self.prefixes.get(cls)
        if prefix is not None:
            return prefix + test._testMethodName
        try:
            return self.first(cls, test)
        except Exception:
            return cls.__module__ + "." + cls.__qualname__

    def first(self, cls, test):
        if cls is self.holder:
            return self.fixture(test.description)
        if cls is self.failed:
            return test._testMethodName
        if cls is self.subtest:
            return self.of(test.test_case)
        if cls.id is not self.own and in_unittest(cls.id, "id"):
            return str(test.id())
        prefix = "%s.%s." % (cls.__module__, cls.__qualname__)
        name = prefix + test._testMethodName
        self.prefixes[cls] = prefix
        return name

    @staticmethod
    def fixture(description):
        """setUpClass (tests.test_a.A) is tests.test_a.A.setUpClass."""
        name, _, rest = description.partition(" (")
        return rest[:-1] + "." + name if rest.endswith(")") else description


def reporting(base, records, names):
    """A class of results that records, on top of another one."""
    start, passed, of, prefixes = records.start, records.passed, names.of, names.prefixes
    begin, end, success, describe = base.startTest, base.stopTest, base.addSuccess, base.getDescription

    class Result(base):
        def startTest(self, test):
            prefix = prefixes.get(test.__class__)
            start(of(test) if prefix is None else prefix + test._testMethodName)
            begin(self, test)

        def stopTest(self, test):
            end(self, test)
            if not records.ended:
                records.stop()

        def addSuccess(self, test):
            success(self, test)
            if not records.said:
                passed()

        def addFailure(self, test, err):
            super().addFailure(test, err)
            self.tell(test, "failed", err)

        def addError(self, test, err):
            super().addError(test, err)
            self.tell(test, "error", err)

        def addExpectedFailure(self, test, err):
            super().addExpectedFailure(test, err)
            self.tell(test, "expected_failure", err)

        def addUnexpectedSuccess(self, test):
            super().addUnexpectedSuccess(test)
            self.tell(test, "unexpected_success", None)

        def addSkip(self, test, reason):
            super().addSkip(test, reason)
            self.tell(test, "skipped", None, str(reason))

        def addSubTest(self, test, subtest, err):
            super().addSubTest(test, subtest, err)
            if err is not None:
                failed = issubclass(err[0], test.failureException)
                self.tell(subtest, "failed" if failed else "error", err)

        def tell(self, test, outcome, err, why=""):
            members = {}
            error = err[1] if err else None
            if error is not None:
                why = said(error)
                if outcome in ("failed", "error"):
                    members["tb"] = self.traceback(outcome)
            event, id = "end", names.of(test)
            if isinstance(test, names.subtest):
                event, members["sub"] = "sub", subtest_name(test)
            elif records.said and id == records.id:  # such as a failure and then one of tearDown
                event, members["sub"] = "sub", "(then)"
            if error is None or event == "end" and "path" not in place(error, records.root):
                members.update(definition(test, records.root))
            if isinstance(error, BaseException) and names.failed is test.__class__:
                error = getattr(test, "_exception", error)
                why = import_reason(why, error)
                members.update(import_place(str(error), records.root))
                _, missing, rest = why.partition("No module named '")
                if missing:
                    records.asks("module", rest.partition("'")[0])
                error = None
            seconds = None if test.__class__ is not names.holder else 0.0
            records.end(id, outcome, seconds, event, error, why=why, **members)

        def traceback(self, outcome):
            """As unittest has just formatted it for its own report."""
            kept = self.failures if outcome == "failed" else self.errors
            try:
                return kept[-1][1]
            except Exception:
                return ""

        def getDescription(self, test):
            try:
                return describe(self, test)
            except Exception:
                pass
            try:
                return str(test)
            except Exception:
                return names.of(test)

    Result.__name__ = base.__name__
    Result.__qualname__ = base.__qualname__
    return Result


def subtest_name(subtest):
    try:
        return subtest._subDescription()
    except Exception:
        return "(<subtest>)"


def definition(test, root):
    """Where a test is defined."""
    try:
        function = getattr(type(test), test._testMethodName)
        while hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        code = function.__code__
        return {"path": code.co_filename, "line": code.co_firstlineno}
    except Exception:
        return {}


def import_reason(why, error):
    """The last line of the traceback that unittest quotes for a module that cannot be imported."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else why


def import_place(text, root):
    """The innermost line in the checkout of a traceback that is text."""
    best = {}
    for line in text.splitlines():
        parts = line.strip().split('"')
        if len(parts) == 3 and parts[0] == "File " and parts[1].startswith(root + "/"):
            number = parts[2].partition("line ")[2].split(",")[0]
            if number.isdigit():
                best = {"path": parts[1], "line": int(number)}
    return best


def leaves(tests, single):
    """The tests of suites, in order. What is a single test is known by its class, in single."""
    for t in tests:
        if t is None:
            continue
        alone = single.get(type(t))
        if alone is None:
            alone = single[type(t)] = not iterable(t)
        if alone:
            yield t
        else:
            yield from leaves(t, single)


def iterable(test):
    try:
        iter(test)
    except TypeError:
        return False
    return True


def select(suite, wanted, at=0):
    """Leaves of a suite's tests those whose places in order are wanted. Returns how many it had."""
    kept = []
    for t in list(suite):
        try:
            iter(t)
        except TypeError:
            if wanted(at):
                kept.append(t)
            at += 1
            continue
        at = select(t, wanted, at)
        kept.append(t)
    suite._tests[:] = kept
    return at


def plan(tests, records, names):
    """Tells which tests will run, in order: those of one class that follow each other in one record."""
    cls, prefix, methods, size = None, None, [], 0
    for test in tests:
        if type(test) is not cls or size > PLANNED:
            records.planned(prefix, methods)
            prefix, _, method = names.of(test).rpartition(".")
            method = "." + method if prefix else method
            cls = type(test) if names.prefixes.get(type(test)) == prefix + "." else None
            methods, size = [], 0
        else:
            method = "." + test._testMethodName
        methods.append(records.quote(method[:NAME]))
        size += len(methods[-1])
    records.planned(prefix, methods)


def run_reported(run, runner, test, records, unittest):
    """Has a runner of unittest's run tests, recorded."""
    names = Names(unittest)
    if records.selected:
        select(test, records.selected)
    plan(leaves((test,), {}), records, names)
    base = runner.resultclass or unittest.TextTestResult
    runner.resultclass = reporting(base, records, names)
    records.channel.running(True)
    result = run(runner, test)
    records.channel.running(False)
    try:
        seen = watched(unittest, base, result)
    except Exception as e:
        seen = ["error", type(e).__name__]
    records.record("canary", passes=seen[0], fails=seen[1])
    records.done()
    return result


def main_unittest():
    records = Records("unittest")
    sys.path.insert(0, records.root)  # as -m has it
    import unittest
    import unittest.main  # before the tests, which may change it

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

    class Runner(unittest.TextTestRunner):
        def __init__(self, **options):
            stream = Stream(getattr(sys.stderr, "encoding", None))
            super().__init__(stream=stream, **options)
            self.stream = stream

        def run(self, test):
            return run_reported(unittest.TextTestRunner.run, self, test, records, unittest)

    sys.argv[0] = "python -m unittest"
    unittest.main(module=None, testLoader=Loader(), testRunner=Runner)
