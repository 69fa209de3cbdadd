package tester

import "fmt"

// Broken is a run whose process ended before its last test.
type Broken struct {
	Test      string // the one that ran then
	Place     string // where it stood in the checkout; empty when not known
	Hung      string // the time that one test has, where that was up
	Struck    string // the limit that was hit, in words; empty when none was
	Signal    string
	ExitCode  int // where there was no signal
	Unreached int // tests that did not run
}

// String begins with the test.
func (b Broken) String() string {
	how := fmt.Sprintf("ended Python with exit code %d", b.ExitCode)
	switch {
	case b.Hung != "":
		how = "hangs: it took longer than " + b.Hung
	case b.Struck != "":
		how = "was running: " + b.Struck
	case b.Signal != "":
		how = "ended Python by " + b.Signal
	}
	if b.Place != "" {
		how += " (" + b.Place + ")"
	}
	return b.Test + " " + how + Unreached(b.Unreached)
}

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d more,", n)
}

// Unreached says how many tests did not run, to stand behind what else is said; it is empty when
// all did.
func Unreached(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "; 1 test was not reached"
	}
	return fmt.Sprintf("; %d tests were not reached", n)
}
