package sandbox_test

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox"
)

// reportClient is what a program in a sandbox reports with.
//
//go:embed testdata/report/client.py
var reportClient string

// reporter is a command that reports.
func reporter(script string) sandbox.Command {
	c := python(reportClient + "\n" + script)
	c.Merged, c.Report = true, true
	c.Env = []string{"PYTHONFAULTHANDLER=1"}
	return c
}

// told is output and records in their one order, records in brackets.
type told struct{ strings.Builder }

func (o *told) take(stream sandbox.Stream, p []byte) error {
	if stream == sandbox.Report {
		p = fmt.Appendf(nil, "[%s]", strings.TrimSuffix(string(p), "\n"))
	}
	_, err := o.Write(p)
	return err
}

func runReporter(t *testing.T, s *sandbox.Sandbox, c sandbox.Command) (sandbox.Result, string) {
	t.Helper()
	var o told
	r, err := s.Run(t.Context(), c, o.take)
	if err != nil {
		t.Fatalf("%v, after %s", err, o.String())
	}
	return r, o.String()
}

func TestReportsStandInTheOutputWhereTheyWereMade(t *testing.T) {
	s := start(t, nil)
	r, got := runReporter(t, s, reporter(`
c = Client()
for i in range(3):
    print("before", i)
    c.write(b"record %d\n" % i)
    assert c.sync() == b"s"
    print("after", i)
c.write(b"last\n")`))
	want := ""
	for i := range 3 {
		want += fmt.Sprintf("before %d\n[record %d]after %d\n", i, i, i)
	}
	if !r.Success() || got != want+"[last]" {
		t.Errorf("%+v, got:\n%s\nwant:\n%s", r, got, want+"[last]")
	}
}

func TestReportsOutliveTheirProcess(t *testing.T) {
	s := start(t, nil)
	r, got := runReporter(t, s, reporter(`
c = Client()
c.write(b"one\n")
c.write(b"half")
print("printed", flush=True)
os.kill(os.getpid(), 9)`))
	if r.Signal != "SIGKILL" || got != "printed\n[one]" {
		t.Errorf("%+v, got %q", r, got)
	}
}

func TestReportsOfSeveralProcessesDoNotMix(t *testing.T) {
	s := start(t, nil)
	const each, clients = 2000, 4
	r, got := runReporter(t, s, reporter(fmt.Sprintf(`
for n in range(%d):
    if os.fork() == 0:
        c = Client()
        for i in range(%d):
            c.write(b"<%%d:%%d>\n" %% (n, i))
        os._exit(0)
for n in range(%d):
    os.wait()`, clients, each, clients)))
	if !r.Success() {
		t.Fatalf("%+v, %s", r, got)
	}
	var next [clients]int
	for _, line := range strings.FieldsFunc(got, func(r rune) bool { return strings.ContainsRune("[]\n", r) }) {
		var n, i int
		if _, err := fmt.Sscanf(line, "<%d:%d>", &n, &i); err != nil || n >= clients || i != next[n] {
			t.Fatalf("got %q where <%d:%d> was due: %v", line, n, next[n], err)
		}
		next[n]++
	}
	if next != [clients]int{each, each, each, each} {
		t.Errorf("got %v records", next)
	}
}

func TestATestThatHangsIsAbortedWithItsStack(t *testing.T) {
	s := start(t, nil)
	hangs := reporter(`
import time
def hanging():
    time.sleep(60)
c = Client()
c.write(b"start\n")
c.running(True)
hanging()`)
	hangs.TestTimeout = time.Second
	began := time.Now()
	r, got := runReporter(t, s, hangs)
	if !r.TestHung || r.TimedOut || r.Success() || r.Signal != "SIGABRT" || !strings.Contains(got, "[start]") ||
		!strings.Contains(got, "in hanging") || time.Since(began) > 40*time.Second {
		t.Errorf("%+v in %s, got:\n%s", r, time.Since(began), got)
	}
	// The control: whoever goes on reporting, or runs no test, may take as long.
	for name, body := range map[string]string{
		"several tests": `
c.running(True)
for i in range(12):
    time.sleep(0.2)
    c.write(b"next\n")`,
		"no test": "time.sleep(2)",
	} {
		works := reporter("import time\nc = Client()\n" + body)
		works.TestTimeout = 2 * time.Second
		if r, got := runReporter(t, s, works); !r.Success() {
			t.Errorf("%s: %+v, got:\n%s", name, r, got)
		}
	}
}

func TestATestThatIgnoresTheAbortIsKilled(t *testing.T) {
	s := start(t, nil)
	deaf := reporter(`
import signal, time
signal.signal(signal.SIGABRT, lambda *_: None)
c = Client()
c.write(b"start\n")
c.running(True)
while True:
    time.sleep(60)`)
	deaf.TestTimeout = time.Second
	if r, got := runReporter(t, s, deaf); !r.TestHung || r.Signal != "SIGKILL" || got != "[start]" {
		t.Errorf("%+v, got %q", r, got)
	}
}

func TestATimeoutShowsWhereAReporterIs(t *testing.T) {
	s := start(t, nil)
	late := reporter(`
import subprocess, time
subprocess.Popen(["sh", "-c", "trap 'echo asked to end; exit' TERM; sleep 60 & wait"])
def waiting():
    time.sleep(60)
c = Client()
c.sync()
waiting()`)
	late.Timeout = 3 * time.Second
	r, got := runReporter(t, s, late)
	if !r.TimedOut || r.TestHung || r.Signal != "SIGABRT" || !strings.Contains(got, "in waiting") ||
		!strings.Contains(got, "asked to end") {
		t.Errorf("%+v, got:\n%s", r, got)
	}
}

func TestACommandThatReportsNothingIsToldNoPlaceForIt(t *testing.T) {
	s := start(t, nil)
	if got := mustRun(t, s, shell("echo ${VIVARIUM_REPORT-none}")); got != "none\n" {
		t.Errorf("got %q", got)
	}
}
