# A plug-in of pytest's that records each test as it ends. With pytest-xdist it is in the controller only,
# to which the workers tell how their tests ended.


class Pytest:
    def __init__(self, records, pytest):
        self.records = records
        self.pytest = pytest
        self.phases = {}  # the outcome of each test that runs, and the seconds that it took
        self.made = {}  # how each part of the tests that run ended, before others were told of it

    def pytest_collection_finish(self, session):
        if self.records.selected:
            session.items[:] = [t for i, t in enumerate(session.items) if self.records.selected(i)]
        plan_ids((item.nodeid for item in session.items), self.records)
        self.records.channel.running(True)

    def pytest_collectreport(self, report):
        if report.failed:
            id = report.nodeid or "collection"
            self.records.end(id, "error", 0.0, **self.told(report))
        elif report.skipped and report.nodeid:
            self.records.end(report.nodeid, "skipped", 0.0, why=reason_of_skip(report))

    def pytest_runtest_logstart(self, nodeid, location):
        self.phases[nodeid] = [None, 0.0]
        self.records.start(nodeid)

    def pytest_runtest_makereport(self, item, call):
        """Keeps what a test raised, for what it says of the sandbox; the report is others' to make."""
        made = yield
        try:
            if call.excinfo is not None:
                for kind, name in wanted(call.excinfo.value):
                    self.records.asks(kind, name)
            report = made.get_result()
            self.made[report.nodeid, report.when] = self.outcome(report)
        except Exception:
            pass

    def pytest_runtest_logreport(self, report):
        if report.outcome == "rerun":
            return
        outcome = self.outcome(report)
        made = self.made.pop((report.nodeid, report.when), outcome)
        if made in ("failed", "error"):  # whatever a hook has made of it since
            outcome = made
        state = self.phases.setdefault(report.nodeid, [None, 0.0])
        if type(report).__name__.lower().startswith("subtest"):
            if outcome in ("failed", "error"):
                self.records.end(report.nodeid, outcome, report.duration, "sub", sub=subtest_of(report), **self.told(report))
            return
        state[1] += report.duration
        if outcome is None:
            return
        if state[0] is not None and outcome in ("failed", "error"):  # such as a tear-down's
            self.records.end(report.nodeid, outcome, report.duration, "sub", sub="(%s)" % report.when, **self.told(report))
            return
        if report.when == "call" and outcome == "passed":
            state[0] = "passed"  # with what its tear-down prints and takes
            return
        if report.when == "teardown":
            return
        state[0] = outcome
        self.records.end(report.nodeid, outcome, state[1], "end", **self.told(report))

    def pytest_runtest_logfinish(self, nodeid, location):
        state = self.phases.pop(nodeid, [None, 0.0])
        if state[0] == "passed":
            self.records.end(nodeid, "passed", state[1])
        elif state[0] is None:
            self.records.record("end", id=nodeid)

    @staticmethod
    def outcome(report):
        expected = hasattr(report, "wasxfail")
        if report.failed:
            return "failed" if report.when == "call" else "error"
        if report.skipped:
            return "expected_failure" if expected else "skipped"
        return "passed" if report.when == "call" else None

    def told(self, report):
        """The reason, the place and the texts of a report that is not of a test that passed."""
        members = {}
        if report.skipped:
            members["why"] = getattr(report, "wasxfail", "") or reason_of_skip(report)
            path, line = self.location(report)
            if path:
                members.update(path=path, line=line)
            return members
        text = getattr(report, "longreprtext", "") or str(report.longrepr or "")
        members["tb"] = text
        members["why"] = crash_message(report) or last_line(text)
        members["out"] = "\n".join(content for _, content in getattr(report, "sections", ()))
        path, line = self.crash(report)
        if path:
            members.update(path=path, line=line)
        if members["why"].startswith("ModuleNotFoundError: No module named '"):
            self.records.asks("module", members["why"].split("'")[1])
        return members

    def absolute(self, path):
        path = str(path)
        return path if path.startswith("/") else self.records.root + "/" + path

    def crash(self, report):
        """The innermost line in the checkout of what was raised, else where the test is defined."""
        best = self.location(report)
        try:
            for entry in report.longrepr.reprtraceback.reprentries:
                at = entry.reprfileloc
                if at and self.own(at.path):
                    best = (self.absolute(at.path), at.lineno)
        except AttributeError:
            best = self.named(str(report.longrepr or "")) or best
        crash = getattr(report.longrepr, "reprcrash", None)
        if crash and self.own(crash.path):
            best = (self.absolute(crash.path), crash.lineno)
        return best

    def named(self, text):
        """The last place in the checkout that a text names: of a file that cannot be imported there is no more."""
        for line in reversed(text.splitlines()):
            path, _, rest = line.partition(":")
            number = rest.partition(":")[0]
            if path.endswith(".py") and number.isdigit() and self.own(path):
                return self.absolute(path), int(number)
        return None

    def own(self, path):
        path = self.absolute(path)
        return path.startswith(self.records.root + "/") and "/site-packages/" not in path

    def location(self, report):
        location = getattr(report, "location", None)
        if location:
            return self.absolute(location[0]), (location[1] or 0) + 1
        name = report.nodeid.split("::")[0]
        return (self.absolute(name), 0) if name else ("", 0)

    def canary(self, session):
        """Has pytest run two tests of ours with the hooks that the repository's tests are run with."""
        from _pytest.runner import CallInfo
        import warnings

        def passes():
            assert True

        def fails():
            raise AssertionError("as it must")

        seen = []
        for function in (passes, fails):
            right = "passed" if function is passes else "failed"
            try:
                item = self.item(session, function)
                if item is None:
                    seen.append(right)
                    continue
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # it inherits marks that a function like ours may not have
                    call = CallInfo.from_call(item.runtest, when="call")
                if function is passes and call.excinfo is not None:
                    seen.append(right)  # a plug-in misses fixtures that such marks ask for: it hides nothing
                    continue
                report = item.ihook.pytest_runtest_makereport(item=item, call=call)
                seen.append(report.outcome)
            except Exception:
                seen.append(right)  # a hook of the repository's that a test like ours is strange to
        self.records.record("canary", passes=seen[0], fails=seen[1])

    def item(self, session, function):
        """A test of ours beside the last of the repository's."""
        if not session.items or not isinstance(session.items[-1], self.pytest.Function):
            return None
        parent = session.items[-1].getparent(self.pytest.Module)
        if parent is None:
            return None
        return self.pytest.Function.from_parent(parent, name="vivarium", callobj=function)

    def finish(self, session, exitstatus):
        self.records.channel.running(False)
        self.canary(session)
        stopped = session.shouldstop or session.shouldfail
        stopped = str(stopped) if stopped else ""
        self.records.channel.sync()
        self.records.record("done", ran=self.records.ran, stopped=stopped)
        self.records.channel.sync()


def plan_ids(ids, records):
    """Tells which tests will run, in order: those of one prefix that follow each other in one record."""
    before, length, names = None, 0, []
    for id in ids:
        at = max(id.rfind("::" if "::" in id else "."), 0)
        if at != length or id[:at] != before:
            records.planned(before, names)
            before, length, names = id[:at], at, []
        names.append(id[at:])
    records.planned(before, names)


def reason_of_skip(report):
    if isinstance(report.longrepr, tuple) and len(report.longrepr) == 3:
        text = str(report.longrepr[2])
        return text[len("Skipped: ") :] if text.startswith("Skipped: ") else text
    return last_line(str(report.longrepr or ""))


def crash_message(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(getattr(crash, "message", "") or "")
    return text.split("\n")[0]


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    told = [line[2:].strip() for line in lines if line.startswith("E  ")]
    return (told[-1] if told else lines[-1].strip()) if lines else ""


def subtest_of(report):
    context = getattr(report, "context", None)
    message = getattr(context, "msg", None) or ""
    values = getattr(context, "kwargs", None) or {}
    shown = ", ".join("%s=%r" % kv for kv in values.items())
    return ("[%s] " % message if message else "") + ("(%s)" % shown if shown else "") or "(<subtest>)"


def main_pytest():
    records = Records("pytest")
    sys.path.insert(0, records.root)  # as -m has it
    import pytest
    import importlib.util

    plugin = Pytest(records, pytest)

    class Finish:
        @pytest.hookimpl(trylast=True)
        def pytest_sessionfinish(self, session, exitstatus):
            plugin.finish(session, exitstatus)

    pytest.hookimpl(tryfirst=True)(Pytest.pytest_runtest_logstart)
    pytest.hookimpl(tryfirst=True, hookwrapper=True)(Pytest.pytest_runtest_makereport)
    for name in ("pytest_runtest_logreport", "pytest_runtest_logfinish", "pytest_collection_finish"):
        pytest.hookimpl(trylast=True)(getattr(Pytest, name))
    sys.argv[0] = importlib.util.find_spec("pytest.__main__").origin
    code = pytest.main(plugins=[plugin, Finish()])
    try:
        sys.stdout.flush()
    except OSError:
        pass
    raise SystemExit(code)
