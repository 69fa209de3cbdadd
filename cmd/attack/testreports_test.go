package attack

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox"
)

// reporting is what came of one attack on the way by which tests are reported.
type reporting struct {
	result  sandbox.Result
	took    time.Duration
	all     strings.Builder // output and records in their one order
	records int             // bytes
}

// innocent is what the client beside the attack must have come to, whatever else stands between.
var innocentReport = regexp.MustCompile(`(?sm)^before 0$.*^innocent 0$.*^after 0$.*^before 4$.*^innocent 4$.*^after 4$`)

// TestReports attacks PID 1 by the way on which tests are reported, which shares memory with it. A
// client beside the attack must be answered, in order with what it prints.
func TestReports(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	s := w.box(t, "reports.py", nil)
	run := func(t *testing.T, kind string) *reporting {
		t.Helper()
		r, began := &reporting{}, time.Now()
		var err error
		r.result, err = s.Run(t.Context(), sandbox.Command{
			Argv: []string{"python3", "attack_program.py", kind}, Env: []string{"PYTHONFAULTHANDLER=1"},
			Merged: true, Report: true, Timeout: patience(t, 40*time.Second), TestTimeout: patience(t, 5*time.Second),
		}, func(stream sandbox.Stream, p []byte) error {
			if stream == sandbox.Report {
				r.records += len(p)
			}
			if r.all.Len() < 1<<20 || !strings.Contains(string(p), "hostile") {
				r.all.Write(p)
			}
			return nil
		})
		r.took = time.Since(began)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, c := range []struct{ kind, tried string }{
		{"cut_short", "cutting the shared memory short under PID 1"},
		{"head_jumps", "claiming to have written a terabyte"},
		{"head_back", "claiming to have written less than was read"},
		{"endless_line", "writing a line without an end"},
		{"endless_records", "writing records without an end"},
		{"half_a_line", "beginning a line that another's record would end"},
		{"never_reads", "asking without an end, and reading no answer"},
		{"lingering", "sending a connection whose close waits for an hour"},
		{"no_memory", "sending what is no memory: pipes, devices, files of /proc"},
	} {
		attack(t, c.kind, c.tried, func(t *testing.T, l *line) {
			control := run(t, "nothing")
			if !control.result.Success() || !innocentReport.MatchString(control.all.String()) {
				t.Fatalf("control: %+v\n%s", control.result, control.all.String())
			}
			l.control = fmt.Sprintf("beside one that does nothing bad the client is answered, in %s", control.took)
			r := run(t, c.kind)
			l.outcome = fmt.Sprintf("so it is beside the attack, in %s, with %d bytes of records", r.took, r.records)
			if !r.result.Success() || !innocentReport.MatchString(r.all.String()) ||
				r.took > control.took+patience(t, 10*time.Second) {
				t.Errorf("%+v after %s (control: %s)\n%.3000s", r.result, r.took, control.took, r.all.String())
			}
		})
	}
	attack(t, "too_many", "reporting by 100 connections", func(t *testing.T, l *line) {
		r := run(t, "too_many")
		var answered int
		_, after, _ := strings.Cut(r.all.String(), "answered ")
		if _, err := fmt.Sscan(after, &answered); err != nil || answered == 0 {
			t.Errorf("control: none of them is answered: %v\n%s", err, r.all.String())
		}
		l.control = "some are answered"
		l.outcome = fmt.Sprintf("%d are", answered)
		if answered > 15 || !innocentReport.MatchString(r.all.String()) {
			t.Errorf("%d are answered\n%s", answered, r.all.String())
		}
	})
	attack(t, "hanging", "a test that does not end", func(t *testing.T, l *line) {
		control := run(t, "nothing")
		if control.result.TestHung {
			t.Errorf("control: %+v", control.result)
		}
		l.control = "without a running test the clock does not strike"
		r := run(t, "hanging")
		l.outcome = fmt.Sprintf("it is aborted after %s", r.took)
		if !r.result.TestHung || r.result.TimedOut || !strings.Contains(r.all.String(), "in hanging") {
			t.Errorf("%+v\n%s", r.result, r.all.String())
		}
	})
}
