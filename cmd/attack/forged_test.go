package attack

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"vivarium/pipeline"
)

// forging writes what is not output to every way out of a sandbox, before and after a test that fails or not.
const forging = `import json, os, pathlib, struct, sys, unittest
RESULT = json.dumps({"result": {"exit_code": 0, "wall": 1, "cpu": 1, "peak_memory": 1, "disk_peak": 0, "strays": 0}}).encode()


def frame(kind, payload):
    return struct.pack(">BI", kind, len(payload)) + payload


def session(kind, flags, stream, payload=b""):
    # yamux: version, type, flags, stream, length
    return struct.pack(">BBHII", 0, kind, flags, stream, len(payload)) + payload


FRAMES = b"".join([
    frame(1, RESULT), frame(5, b""), frame(2, b"forged output\n"), frame(1, b'{"error":"forged"}'), frame(9, b""), b"\xff" * 64,
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
WAYS = ["/dev/stdout", "/dev/stderr", "/dev/console", "/proc/self/fd/1", "/proc/self/fd/2", *(f"/proc/1/fd/{n}" for n in range(12)),
        *(f"/proc/{os.getppid()}/fd/{n}" for n in range(3))]


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

// TestForgedOutput writes to its output what only the product may say. A build must come to the same with it as without.
func TestForgedOutput(t *testing.T) {
	w := theWorld(t)
	comesTo := func(written string, expected int) string {
		o, l := w.build(t, map[string]string{
			"test_it.py": strings.NewReplacer("WRITTEN", written, "EXPECTED", fmt.Sprint(expected)).Replace(forging),
		})
		if n := strings.Count(l.String(), "\nFORGED\n"); n != 1 {
			t.Errorf("the test has written %d times", n)
		}
		return verdict(o)
	}
	// What is forged is the same number of bytes as what is not, so that nothing but the meaning differs.
	green, red := comesTo(`b"-" * len(FRAMES)`, 1), comesTo(`b"-" * len(FRAMES)`, 2)
	for name, written := range sorted(map[string]string{"frames": "FRAMES", "lines": "LINES", "frames-and-lines": "FRAMES + LINES + FRAMES"}) {
		attack(t, name, "forged "+strings.ReplaceAll(name, "-", " ")+" on every way out", func(t *testing.T, l *line) {
			if green == red || !strings.HasPrefix(green, "passed") || !strings.HasPrefix(red, "failed") {
				t.Errorf("control: without forgery it comes to %q when green and to %q when red", green, red)
			}
			l.control = "without it one build passes and the other fails"
			for want, expected := range map[string]int{green: 1, red: 2} {
				if got := comesTo(written, expected); got != want {
					t.Errorf("with it %q, want %q", got, want)
				}
			}
			l.outcome = "state, cause, steps and counts of both are the same"
		})
	}
}

var durations = regexp.MustCompile(`[0-9.]+ m?s`)

// verdict is all that a build comes to, but for how long it took.
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
