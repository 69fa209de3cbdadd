package attack

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"vivarium/images/imagestest"
	"vivarium/pipeline"
)

// forging is a test that writes what is not output to every way out of a sandbox, before and after
// a second test that fails or passes.
const forging = `import json, os, pathlib, struct, sys, unittest
RESULT = json.dumps({"result": {"exit_code": 0, "wall": 1, "cpu": 1, ` +
	`"peak_memory": 1, "disk_peak": 0, "strays": 0}}).encode()


def frame(kind, payload):
    return struct.pack(">BI", kind, len(payload)) + payload


def session(kind, flags, stream, payload=b""):
    # yamux: version, type, flags, stream, length
    return struct.pack(">BBHII", 0, kind, flags, stream, len(payload)) + payload


FRAMES = b"".join([
    frame(1, RESULT), frame(5, b""), frame(2, b"forged output\n"), ` +
	`frame(1, b'{"error":"forged"}'), frame(9, b""), b"\xff" * 64,
    *(session(0, 0, stream, frame(1, RESULT)) + session(0, 4, stream) for stream in range(1, 9)),
    session(3, 0, 0), session(2, 1, 0), session(0, 8, 1), session(1, 0, 1),
])
LINES = b"""
test: passed in 0.1 s: 99 tests
install: passed in 0.1 s
passed
Ran 99 tests in 0.001s

OK
FAILED (failures=7, errors=7)
state: passed
event: end
data: {"state":"passed","status":"success"}

::set-output name=state::passed
\x1b[1m-- test: passed\x1b[0m
{"state": "passed", "cause": ""}
"""
WAYS = ["/dev/stdout", "/dev/stderr", "/dev/console", "/proc/self/fd/1", "/proc/self/fd/2",
        *(f"/proc/1/fd/{n}" for n in range(12) if PID1), ` +
	`*(f"/proc/{os.getppid()}/fd/{n}" for n in range(3) if PID1 or os.getppid() != 1)]


def forge(written):
    for path in WAYS:
        try:
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            os.write(fd, written)
        except OSError:
            pass
        finally:
            os.close(fd)
    for fd in 1, 2:
        os.set_blocking(fd, True)
        os.write(fd, b"\n" + written + b"\n")
    os.write(1, b"\nFORGED\n")


class Forging(unittest.TestCase):
    def test_a(self):
        forge(WRITTEN)

    def test_b(self):
        self.assertEqual(1, EXPECTED)
`

// TestForgedOutput lets a build write to its output what only the product may say. The build must
// end the same with it as without.
func TestForgedOutput(t *testing.T) {
	t.Parallel()
	f := &forger{t: t, w: theWorld(t), pid1: !imagestest.GVisor()}
	// The control writes as many bytes as the forgery, so that only their meaning differs.
	green, red := f.comesTo(`b"-" * len(FRAMES)`, 1), f.comesTo(`b"-" * len(FRAMES)`, 2)
	const control = "without it one build passes and the other fails"
	if green == red || !strings.HasPrefix(green, "passed") || !strings.HasPrefix(red, "failed") {
		t.Fatalf("control: without forgery it comes to %q when green and to %q when red", green, red)
	}
	for name, written := range sorted(map[string]string{
		"frames":           "FRAMES",
		"lines":            "LINES",
		"frames-and-lines": "FRAMES + LINES + FRAMES",
	}) {
		attack(t, name, "forged "+strings.ReplaceAll(name, "-", " ")+" on every way out", func(t *testing.T, l *line) {
			l.control = control
			f.t = t
			for want, expected := range map[string]int{green: 1, red: 2} {
				if got := f.comesTo(written, expected); got != want {
					t.Errorf("with it %q, want %q", got, want)
				}
			}
			l.outcome = "state, cause, steps and counts of both are the same"
		})
	}
	attack(t, "pid1-stdio", "forged frames written to what PID 1 has open", func(t *testing.T, l *line) {
		l.control = control
		intoPID1(t, l, &forger{t: t, w: f.w, pid1: true}, red)
	})
}

// intoPID1 writes forgeries into PID 1's own stdio. Under runc the kernel does not let it be
// opened. Under gVisor it can be opened, and there the session's seal ends the sandbox. Under
// neither does a red build turn green.
func intoPID1(t *testing.T, l *line, f *forger, red string) {
	if !imagestest.GVisor() {
		if got := f.comesTo("FRAMES", 2); got != red {
			t.Errorf("with it %q, want %q", got, red)
		}
		l.outcome = "refused; the build comes to the same"
		return
	}
	f.cut = true
	if got := f.comesTo("FRAMES", 2); !strings.HasPrefix(got, "errored engine ") ||
		!strings.Contains(got, "something in the sandbox wrote into PID 1's session") {
		t.Errorf("with it %q, want it errored because of what was written", got)
	}
	l.outcome = "the build is errored, and says that something wrote into the session"
}

// forger builds repositories whose tests write more than output to their output.
type forger struct {
	t    *testing.T
	w    *world
	pid1 bool // writes to PID 1's stdio as well
	cut  bool // the writing itself ends the build
}

// comesTo is how a build ends whose first test writes written and whose second test compares 1 with
// expected.
func (f *forger) comesTo(written string, expected int) string {
	f.t.Helper()
	o, l := f.w.build(f.t, map[string]string{"test_it.py": strings.NewReplacer(
		"WRITTEN", written, "EXPECTED", fmt.Sprint(expected), "PID1",
		map[bool]string{true: "True", false: "False"}[f.pid1],
	).Replace(forging)})
	if n := strings.Count(l.String(), "\nFORGED\n"); n != 1 && !f.cut {
		f.t.Errorf("the test has written %d times", n)
	}
	return verdict(o)
}

var durations = regexp.MustCompile(`[0-9.]+ m?s`)

// verdict is all that a build ends with, apart from how long it took.
func verdict(o pipeline.Outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %q", o.State, o.Cause, durations.ReplaceAllString(o.Summary, "T"))
	for _, s := range o.Steps {
		code := -1
		if s.ExitCode != nil {
			code = *s.ExitCode
		}
		fmt.Fprintf(&b, " %s=%s/%s/%d/%q", s.Name, s.State, s.Cause, code, durations.ReplaceAllString(s.Note, "T"))
	}
	return b.String()
}
