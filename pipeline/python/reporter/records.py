# Records about tests, as lines of JSON (pipeline/results reads them).

TRACEBACK = 16000  # characters of a traceback or of captured output that are passed on: its end
LINE = 60000  # bytes of a record
REASON = 1000  # characters of a reason that are passed on: its beginning
NAME = 1001  # likewise of all else. One more than pipeline/results keeps, which marks what it cuts
OURS = (b"VIVARIUM_REPORT", b"VIVARIUM_TESTS")  # variables that the tests do not see
SYNCS = 200  # tests that do not pass, after each of which what was printed is waited for


class Records:
    def __init__(self, program):
        import _json
        import posix
        import time

        self.quote = _json.encode_basestring_ascii
        self.now = time.perf_counter_ns
        self.channel = open_channel()
        self.write = self.channel.write
        self.selected = selected()
        for name in OURS:  # which is the dictionary that os.environ shows
            if posix.environ.pop(name, None) is not None:
                posix.unsetenv(name)
        self.syncs = SYNCS
        self.ran = 0
        self.began, self.id, self.ended = 0, None, True
        self.said = False  # the test that runs has a result
        self.asked = []
        self.held = ""
        self.root = folder()
        version = "%d.%d.%d" % sys.version_info[:3]
        self.record("begin", program=program, python=version, seed=environment("PYTHONHASHSEED"))
        # Known before any code of the repository runs: else that could keep the report from being
        # looked at, and what it prints would count.
        self.channel.sync()
        sys.addaudithook(self.audit)

    def text(self, value, most=NAME):
        try:
            return self.quote(str.__str__(value)[:most])
        except Exception:
            return '""'

    def record(self, event, **members):
        line = self.line(event, members)
        if len(line) > LINE:  # of letters that take up to twelve bytes each
            for name in ("tb", "out"):
                members[name] = members.get(name, "")[-1000:]
            members["why"] = members.get("why", "")[:200]
            line = self.line(event, members)
        self.release()
        self.write(line)

    def line(self, event, members):
        parts = ['"e":"%s"' % event]
        for name, value in members.items():
            if value is None or value == "":
                continue
            if name == "path" and len(value) > NAME + len(self.root):  # the beginning is another path
                continue
            most = TRACEBACK if name in ("tb", "out") else NAME
            shown = self.text(value, most) if isinstance(value, str) else repr(value)
            parts.append('"%s":%s' % (name, shown))
        return "{" + ",".join(parts) + "}\n"

    def planned(self, prefix, names):
        """Tells of tests that will run, in order: each has the prefix and one of the names."""
        if not names:
            return
        line = '{"e":"plan","in":%s,"tests":[%s]}\n' % (self.text(prefix), self.quoted(names))
        if len(line) <= LINE:
            self.write(line)
        elif len(names) == 1:
            self.planned(prefix, [names[0][:NAME]])
        else:
            half = len(names) // 2
            self.planned(prefix, names[:half])
            self.planned(prefix, names[half:])

    def quoted(self, names):
        """Names as members of an array: at once where none holds what needs an escape."""
        text = '","'.join(names)
        if "\\" in text or not text.isascii() or not text.isprintable() or text.count('"') != 2 * len(names) - 2:
            return ",".join([self.quote(name) for name in names])
        return '"' + text + '"'

    def start(self, id):
        self.ran += 1
        self.said = self.ended = False
        self.id = id
        if self.asked:
            self.asked = []
        self.write(self.held + '{"e":"start","id":' + self.quote(id[:NAME]) + "}\n")
        self.held = ""
        self.began = self.now()

    def passed(self, held):
        """Ends the test that was started last. A record that is held goes with the next one: only where
        nothing of the repository's runs until then, or release is called before."""
        took = self.now() - self.began
        self.said = self.ended = True
        self.held += f'{{"e":"end","o":"passed","d":{took}e-9}}\n'
        if not held:
            self.release()

    def release(self):
        held, self.held = self.held, ""
        if held:
            self.write(held)

    def end(self, id, outcome, seconds=None, event="end", error=None, **members):
        """Ends a test, or tells of a part of one."""
        self.said = True
        self.ended = self.ended or event == "end"
        if seconds is None:
            seconds = (self.now() - self.began) / 1e9 if self.began else 0.0
        if error is not None:
            members.update(place(error, self.root))
            for kind, name in wanted(error):
                self.asks(kind, name)
        if members.get("tb"):
            members["tb"] = members["tb"][-TRACEBACK:]
        if members.get("out"):
            members["out"] = members["out"][-TRACEBACK:]
        if members.get("why"):
            members["why"] = members["why"][:REASON]
        bad = outcome not in ("passed", "skipped", "expected_failure")
        if bad:
            asked, self.asked = self.asked, []
            for kind, name in asked:
                self.record("asked", id=id, kind=kind, name=name)
        self.record(event, id=id, o=outcome, d=round(seconds, 6), **members)
        if bad and self.syncs > 0:  # then the record comes right after the output before it
            self.syncs -= 1
            self.channel.sync()

    def stop(self):
        """Comes after the end of a test. One of which only parts have results ends here."""
        if self.said and not self.ended:
            self.record("end", id=self.id)

    def done(self):
        self.channel.running(False)
        self.channel.sync()
        self.record("done", ran=self.ran)
        self.channel.sync()

    def asks(self, kind, name):
        if len(self.asked) < 8 and (kind, name) not in self.asked:
            self.asked.append((kind, name[:300]))

    def audit(self, event, args):
        """Keeps which hosts and programs a test asked for."""
        if event == "socket.getaddrinfo":
            self.host(args[0])
        elif event == "socket.connect":
            address = args[1]
            if isinstance(address, tuple) and address:
                self.host(address[0])
        elif event == "subprocess.Popen":
            self.program(args[0])

    def host(self, name):
        if isinstance(name, bytes):
            name = name.decode("ascii", "replace")
        if isinstance(name, str) and name and not local(name):
            self.asks("host", str.__str__(name))

    def program(self, name):
        try:
            if isinstance(name, bytes):
                name = name.decode("utf-8", "replace")
            if type(name) is str and name and not found(name):
                self.asks("program", name)
        except Exception:
            pass


def selected():
    """VIVARIUM_TESTS is places in the order of tests, from 0, such as 0-5,17; None is all."""
    text = environment("VIVARIUM_TESTS")
    if not text:
        return None
    ranges = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        ranges.append((int(first), int(last or first)))
    return lambda at: any(first <= at <= last for first, last in ranges)


def local(name):
    return name.startswith(("127.", "::1", "localhost", "0.0.0.0", "::")) or name.endswith("localhost")


def environment(name):
    import posix

    return posix.environ.get(name.encode(), b"").decode("utf-8", "replace")


def folder():
    import posix

    return posix.getcwd()


def found(program):
    import posix

    places = [""] if "/" in program else [p + "/" for p in environment("PATH").split(":")]
    for p in places:
        try:
            if posix.access(p + program, posix.X_OK):
                return True
        except (OSError, ValueError):
            pass
    return False
