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
        self.held = False  # what is written waits
        posix.register_at_fork(after_in_child=self.pending.clear)  # it is the parent's to print

    def writeln(self, text=None):
        if text:
            self.write(text)
        self.write("\n")
        self.flush()

    def let_go(self):
        self.held = False
        self.flush()

    def flush(self):
        if self.held or not self.pending:
            return
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


def in_unittest(function):
    module = getattr(function, "__module__", "")
    return module in ("unittest.case", "unittest.suite", "unittest.loader", "doctest")


def is_plain(cls):
    """Whether the tests or suites of a class are run by unittest's own code, whatever it says of itself."""
    own = unittest_files()
    return all(file_of(getattr(cls, name, None)) in own for name in ("run", "__call__"))


def file_of(function):
    return getattr(getattr(function, "__code__", None), "co_filename", None)


def unittest_files():
    return [sys.modules[name].__file__ for name in ("unittest.case", "unittest.suite") if name in sys.modules]


class Names:
    """The names of tests, without asking a test that has a method id of its own."""

    def __init__(self, unittest):
        self.prefixes = {}
        self.plain = {}  # by class whose tests unittest's own code runs: the attributes that they have
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
        if cls.id is not self.own and in_unittest(cls.id):
            return str(test.id())
        prefix = "%s.%s." % (cls.__module__, cls.__qualname__)
        name = prefix + test._testMethodName
        self.prefixes[cls] = prefix
        if is_plain(cls) and not hasattr(cls, "__del__"):
            self.plain[cls] = len(vars(test))
        return name

    @staticmethod
    def fixture(description):
        """setUpClass (tests.test_a.A) is tests.test_a.A.setUpClass."""
        name, _, rest = description.partition(" (")
        return rest[:-1] + "." + name if rest.endswith(")") else description


def late(name, compile=compile, exec=exec):
    """A function that only tests need which do not pass."""
    if later:
        exec(compile(later.pop(), "<vivarium>", "exec"), globals())
    return globals()[name]


def reporting(base, records, names, stream, plain):
    """A class of results that records, on top of another one. What is told of a test of these plain
    classes that passes waits for the next test, if nothing of the repository's runs before, such as when
    what the test has kept in attributes goes: a system call and a record less for each."""
    start, passed, of, prefixes, pending = records.start, records.passed, names.of, names.prefixes, stream.pending
    begin, end, success, describe = base.startTest, base.stopTest, base.addSuccess, base.getDescription
    before_fixture = getattr(base, "_setupStdout", lambda result: None)

    def told(result, test, outcome, err, why=""):
        late("tell")(result, records, names, test, outcome, err, why)

    class Result(base):
        def startTest(self, test):
            prefix = prefixes.get(test.__class__)
            start(of(test) if prefix is None else prefix + test._testMethodName)
            stream.held = True
            begin(self, test)
            stream.held = False
            if pending:
                stream.flush()

        def _setupStdout(self):
            """What unittest calls before it starts a test, and before each fixture of a class or module."""
            if not stream.held:
                stream.flush()
                records.release()
            before_fixture(self)

        def stopTest(self, test):
            end(self, test)
            if not records.ended:
                records.stop()

        def addSuccess(self, test):
            attributes = plain.get(test.__class__)
            held = stream.held = attributes is not None and attributes == len(test.__dict__)
            success(self, test)
            stream.held = False
            if not records.said:
                passed(held)

        def addFailure(self, test, err):
            super().addFailure(test, err)
            told(self, test, "failed", err)

        def addError(self, test, err):
            super().addError(test, err)
            told(self, test, "error", err)

        def addExpectedFailure(self, test, err):
            super().addExpectedFailure(test, err)
            told(self, test, "expected_failure", err)

        def addUnexpectedSuccess(self, test):
            super().addUnexpectedSuccess(test)
            told(self, test, "unexpected_success", None)

        def addSkip(self, test, reason):
            super().addSkip(test, reason)
            told(self, test, "skipped", None, str(reason))

        def addSubTest(self, test, subtest, err):
            super().addSubTest(test, subtest, err)
            if err is not None:
                failed = issubclass(err[0], test.failureException)
                told(self, subtest, "failed" if failed else "error", err)

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


def leaves(tests, single, found):
    """Adds the tests of suites, in order. What is a single test is known by its class, in single."""
    for t in tests:
        if t is None:
            continue
        alone = single.get(type(t))
        if alone is None:
            alone = single[type(t)] = not iterable(t)
        if alone:
            found.append(t)
        else:
            leaves(t, single, found)
    return found


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
    cls, prefix, methods = None, None, []
    for test in tests:
        if type(test) is cls:
            methods.append(test._testMethodName)
            continue
        records.planned(prefix, methods)
        id = names.of(test)
        prefix = names.prefixes.get(type(test))
        cls = None if prefix is None else type(test)
        methods = [id if prefix is None else test._testMethodName]
    records.planned(prefix, methods)


def run_reported(run, runner, test, records, unittest):
    """Has a runner of unittest's run tests, recorded."""
    names = Names(unittest)
    if records.selected:
        select(test, records.selected)
    single = {}
    plan(leaves((test,), single, []), records, names)
    base = runner.resultclass or unittest.TextTestResult
    holds = all(alone or is_plain(kind) for kind, alone in single.items())
    stream = runner.stream if runner.verbosity > 1 and isinstance(runner.stream, Stream) else Stream(None)
    runner.resultclass = reporting(base, records, names, stream, names.plain if holds else {})
    records.channel.running(True)
    try:
        result = run(runner, test)
    finally:
        stream.let_go()
        records.release()
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
