package sandbox_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox"
)

func TestRunReportsHowCommandsEnd(t *testing.T) {
	s := start(t, nil)
	for _, c := range []struct {
		name           string
		command        sandbox.Command
		code           int
		signal         string
		stdout, stderr string
	}{
		{"streams stay apart", shell("echo out; echo err >&2"), 0, "", "out\n", "err\n"},
		{"exit code", shell("exit 7"), 7, "", "", ""},
		{"signal", shell("kill -SEGV $$"), 0, "SIGSEGV", "", ""},
		{"no stdin", shell("cat; echo end"), 0, "", "end\n", ""},
		{"directory", sandbox.Command{Argv: []string{"pwd"}, Dir: "/tmp"}, 0, "", "/tmp\n", ""},
		{
			"environment",
			sandbox.Command{Argv: []string{"sh", "-c", "echo $A $HOME $CI"}, Env: []string{"A=1", "CI=no"}},
			0,
			"",
			"1 /home/vivarium no\n",
			"",
		},
		{
			"bytes that are not UTF-8",
			sandbox.Command{Argv: []string{"printf", "%s", "\xff\xfe"}},
			0,
			"",
			"\xff\xfe",
			"",
		},
		{
			"no such program",
			sandbox.Command{Argv: []string{"nosuchprogram"}},
			127,
			"",
			"",
			"vivarium-init: look for program nosuchprogram: file does not exist\n",
		},
		{
			"no such directory",
			sandbox.Command{Argv: []string{"true"}, Dir: "/nowhere"},
			127,
			"",
			"",
			"vivarium-init: stat /nowhere: no such file or directory\n",
		},
		{
			"not executable",
			sandbox.Command{Argv: []string{"/etc/passwd"}},
			126,
			"",
			"",
			"vivarium-init: exec /etc/passwd: permission denied\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, o := run(t, s, c.command)
			if r.ExitCode != c.code || r.Signal != c.signal || o.stdout.String() != c.stdout ||
				o.stderr.String() != c.stderr {
				t.Errorf("got %+v, stdout %q, stderr %q; want code %d, signal %q, stdout %q, stderr %q",
					r, o.stdout.String(), o.stderr.String(), c.code, c.signal, c.stdout, c.stderr)
			}
			if r.TimedOut || r.OOMKilled || r.PidsStruck || r.DiskFull != "" {
				t.Errorf("a limit is reported that did not strike: %+v", r)
			}
		})
	}
}

func TestMergedOutputKeepsTheOrderInWhichItWasWritten(t *testing.T) {
	s := start(t, nil)
	const turns = 200
	turn := python(fmt.Sprintf(`
import os
for i in range(%d):
    os.write(1 + i %% 2, b"%%d\n" %% i)`, turns))
	turn.Merged = true
	var want strings.Builder
	for i := range turns {
		fmt.Fprintln(&want, i)
	}
	if _, o := run(t, s, turn); o.stdout.String() != want.String() || o.stderr.Len() > 0 {
		t.Errorf("got %q and, on stderr, %q", o.stdout.String(), o.stderr.String())
	}
	turn.Merged = false // the control: without it the streams stay apart
	if _, o := run(t, s, turn); o.stdout.Len() == 0 || o.stderr.Len() == 0 {
		t.Errorf("control: got %q and %q", o.stdout.String(), o.stderr.String())
	}
	missing := sandbox.Command{Argv: []string{"nosuchprogram"}, Merged: true}
	if r, o := run(t, s, missing); r.ExitCode != 127 || o.stdout.Len() == 0 || o.stderr.Len() > 0 {
		t.Errorf("a missing program: %+v, %q and %q", r, o.stdout.String(), o.stderr.String())
	}
}

// A build can replace its environment's Python by any file.
func TestAProgramThatTheKernelCannotLoadIsNoFaultOfTheEngine(t *testing.T) {
	s := start(t, nil)
	for name, interpreter := range map[string]string{
		"text":           "/tmp/text",
		"empty":          "/tmp/empty",
		"not executable": "/etc/passwd",
		"gone":           "/nowhere",
	} {
		t.Run(name, func(t *testing.T) {
			makes := sandbox.Command{Argv: []string{"python3", "-c", `import os, re, sys
for name, content in ("/tmp/empty", ""), ("/tmp/text", "words " * 100):
    with open(name, "w") as f: f.write(content)
    os.chmod(name, 0o755)
whole = open("/bin/true", "rb").read()
text = re.sub(rb"/lib[0-9]*/ld-linux[^\0]*", lambda m: sys.argv[1].encode().ljust(len(m[0]), b"\0"), whole, count=1)
assert text != whole
open("/tmp/program", "wb").write(text)
os.chmod("/tmp/program", 0o755)`, interpreter}}
			if r, o := run(t, s, makes); r.ExitCode != 0 {
				t.Fatalf("control: %+v, %s", r, o.stderr.String())
			}
			r, o := run(t, s, sandbox.Command{Argv: []string{"/tmp/program"}})
			if r.ExitCode != 126 && r.ExitCode != 127 || !strings.Contains(o.stderr.String(), "/tmp/program") {
				t.Errorf("got %+v, %s; want exit code 126 or 127", r, o.stderr.String())
			}
		})
	}
}

func TestRunReportsWhatWasUsed(t *testing.T) {
	s := start(t, nil)
	r, _ := run(
		t,
		s,
		python(
			"import time\nb = bytearray(100 << 20)\nopen('f', 'wb').write(b[:20 << 20])\nend = time.process_time() + "+
				".3\nwhile time.process_time() < end: pass",
		),
	)
	if r.CPU < 300*time.Millisecond || r.Wall < r.CPU/2 {
		t.Errorf("CPU %v, wall %v, want at least 300ms and 150ms", r.CPU, r.Wall)
	}
	if r.PeakMemory < 100<<20 || r.PeakMemory > 200<<20 {
		t.Errorf("peak memory %d, want the 100 MiB that were allocated and little more", r.PeakMemory)
	}
	if r.DiskPeak < 20<<20 || r.DiskPeak > 30<<20 {
		t.Errorf("disk peak %d, want the 20 MiB that were written and little more", r.DiskPeak)
	}
}

func TestRunPassesOnAllOutputInOrder(t *testing.T) {
	s := start(t, nil)
	const lines = 12_000_000
	want := sha256.New()
	for i := 1; i <= lines; i++ {
		fmt.Fprintln(want, i)
	}
	got, n := sha256.New(), 0
	r, err := s.Run(
		t.Context(),
		sandbox.Command{Argv: []string{"seq", fmt.Sprint(lines)}},
		func(_ sandbox.Stream, p []byte) error {
			n += len(p)
			_, err := got.Write(p)
			return err
		},
	)
	if err != nil || !r.Success() {
		t.Fatalf("got %+v, %v", r, err)
	}
	if string(got.Sum(nil)) != string(want.Sum(nil)) {
		t.Errorf("%d bytes came, and they are not those that were written", n)
	}
}

// The command ends its line only when a service answers, and the service answers only when it has
// seen the line's first half.
func TestRunPassesOutputOnAsItComes(t *testing.T) {
	s := start(t, nil)
	seen := make(chan struct{})
	gate, err := s.Offer(t.Context(), "gate", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-seen:
		case <-r.Context().Done():
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	command := python(
		fmt.Sprintf(
			"import urllib.request\nprint(end='first', flush=True)\nurllib.request.urlopen(%q)\nprint(end='second')",
			gate.URL,
		),
	)
	command.Timeout = 20 * time.Second
	r, err := s.Run(t.Context(), command, func(_ sandbox.Stream, p []byte) error {
		if got = append(got, string(p)); len(got) == 1 {
			close(seen)
		}
		return nil
	})
	if err != nil || !r.Success() || !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("got %q, %+v, %v; want the two halves apart", got, r, err)
	}
}

func TestRunKillsWhatIsLeftBehind(t *testing.T) {
	s := start(t, nil)
	r, _ := run(t, s, shell(`
sleep 301 &
setsid sleep 301 &
(setsid sh -c 'trap "" TERM HUP; sleep 301 & sleep 301' &) &
python3 -c '
import os, signal
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            os.fork() == 0 and os._exit(0)
' &
while set -- /proc/[0-9]*; [ $# -lt 8 ]; do sleep 0.1; done`)) // with PID 1 and this shell
	if r.Strays < 5 {
		t.Errorf("%d strays are reported, want at least 5", r.Strays)
	}
	if left := mustRun(t, s, shell("echo /proc/[0-9]*")); len(strings.Fields(left)) != 2 {
		t.Errorf("processes are left, want PID 1 and sh only:\n%s", left)
	}
}

func TestRunEndsAtItsTimeout(t *testing.T) {
	s := start(t, nil)
	for _, c := range []struct {
		name, script, signal, stdout string
	}{
		{"gently", "trap 'echo bye; exit 3' TERM; sleep 300 & wait", "", "bye\n"},
		{"by force", "trap '' TERM; while :; do sleep 0.1; done", "SIGKILL", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			command := shell(c.script)
			command.Timeout = 3 * time.Second // long enough for it to set its trap
			r, o := run(t, s, command)
			if !r.TimedOut || r.Success() || r.Signal != c.signal || o.stdout.String() != c.stdout {
				t.Errorf("got %+v, stdout %q; want a time-out, signal %q, stdout %q", r, o.stdout.String(), c.signal,
					c.stdout)
			}
		})
	}
}

func TestCancelKillsTheCommandAndReturnsTheCause(t *testing.T) {
	s := start(t, nil)
	cause := errors.New("somebody's wish")
	ctx, cancel := context.WithCancelCause(t.Context())
	began := time.Now()
	// It writes without end, so that output is in flight when it is killed.
	_, err := s.Run(ctx, shell("trap '' TERM; setsid yes & yes"), func(sandbox.Stream, []byte) error {
		cancel(cause)
		return nil
	})
	if !errors.Is(err, cause) {
		t.Errorf("got error %v, want the cause", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if left := mustRun(t, s, shell("echo /proc/[0-9]*")); len(strings.Fields(left)) != 2 {
		t.Errorf("processes are left:\n%s", left)
	}
}

func TestErrorFromOutputKillsTheCommand(t *testing.T) {
	s := start(t, nil)
	full := errors.New("the log is full")
	calls := 0
	_, err := s.Run(t.Context(), sandbox.Command{Argv: []string{"yes"}}, func(sandbox.Stream, []byte) error {
		calls++
		return full
	})
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("got error %v after %d calls, want the output's own after one", err, calls)
	}
	mustRun(t, s, shell("true"))
}

func TestCommandsFollowEachOtherAtOnce(t *testing.T) {
	s := start(t, nil)
	for range 200 {
		mustRun(t, s, sandbox.Command{Argv: []string{"true"}})
	}
}
