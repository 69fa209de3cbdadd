package tester

import (
	"fmt"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/lastwords"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/results"
	"vivarium/pipeline/testreport"
	"vivarium/sandbox"
)

// Watch reads what one run of tests prints and reports.
type Watch struct {
	number int // of the run
	by     Program
	output Output
	stack  Stack
	tail   lastwords.Tail
	parser results.Parser
	found  findings.List // by its reports
	red    []results.Test
}

// Watch is for one run, of that number among the build's.
func (by Program) Watch(number int, run checkout.Command) *Watch {
	return &Watch{
		number: number,
		by:     by,
		output: by.Reader(run.Dir),
		stack:  Stack{Root: sandbox.Workspace},
		parser: results.Parser{Root: sandbox.Workspace, Below: run.Below},
	}
}

// Print takes the next piece of output.
func (w *Watch) Print(p []byte) {
	w.output.Write(p)
	w.stack.Write(p)
	w.tail.Write(p)
}

// maxRed bounds how many red tests are kept to be tried again.
const maxRed = 100

// Report takes the next piece of the report, and returns the results that it completes.
func (w *Watch) Report(p []byte) []results.Test {
	tests := w.parser.Write(p)
	w.found.Append(Red(tests))
	for i := range tests {
		tests[i].Run = w.number
	}
	for _, t := range tests {
		if t.Outcome.Red() && len(w.red) < maxRed {
			w.red = append(w.red, t)
		}
	}
	return tests
}

// Planned are the tests that the run found, in its order; none where these are too many to keep.
func (w *Watch) Planned() []string { return w.parser.Planned() }

// Red are the red tests, maxRed of them at most.
func (w *Watch) Red() []results.Test { return w.red }

// Told is what a run of tests told of itself.
type Told struct {
	Printed testreport.Report // the figures that it printed
	Found   findings.List     // by its reports, where there are some, else by what it printed
	Results results.Run       // by its reports
	Crash   string            // the place in the checkout where Python stood when it was ended, or empty
}

// Told is what the run told, which ended so.
func (w *Watch) Told(r sandbox.Result) Told {
	t := Told{
		Printed: w.output.report.Report(), Found: w.output.found.List(), Results: w.parser.Run(),
		Crash: w.stack.Place(),
	}
	if s := &t.Results.Summary; r.TestHung {
		s.Hung, s.Crashed = s.Crashed, ""
	}
	if t.Results.Reported() && (w.found.Total > 0 || t.Results.Done) {
		t.Found = w.found
	}
	if w.by.Silent && t.Found.Total == 0 && !t.Printed.Seen {
		t.Found.Append(w.by.ended(r, w.tail.Last()))
	}
	return t
}

// ended is how a program ended of which no more is known, with the last line that it printed.
func (by Program) ended(r sandbox.Result, last string) (l findings.List) {
	if !r.Success() && r.Signal == "" && last != "" {
		l.Add(findings.Finding{Text: fmt.Sprintf("`%s` ended with exit code %d: %s", by.Command, r.ExitCode, last)})
	}
	return l
}

// Counts are the run's figures: by its reports, where there are some, else by what it printed.
func (t Told) Counts() testreport.Report {
	if !t.Results.Reported() {
		return t.Printed
	}
	s := t.Results.Summary
	return testreport.Report{
		Seen: true, Runs: 1, Ran: s.Total(), Failures: s.Failed, Errors: s.Errors, Skipped: s.Skipped,
		UnexpectedSuccesses: s.UnexpectedSuccesses, Deselected: t.Printed.Deselected, Stopped: t.Results.Stopped,
	}
}

// Missing says that tests were found and did not run, although nothing stopped the run; it is empty
// where that is not so, or a red test is told of anyway.
func (t Told) Missing() string {
	s := t.Results.Summary
	if s.NotReached == 0 || s.Red() > 0 || t.Results.Stopped != "" {
		return ""
	}
	return s.Unreached[0] + more(s.NotReached-1) + " was found and did not run: something took it out"
}
