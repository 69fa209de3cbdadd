package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"vivarium/pipeline/limits"
	"vivarium/pipeline/python"
	"vivarium/pipeline/sentence"
	"vivarium/sandbox"
)

var testLimits = limits.Limits{
	Limits:   sandbox.Limits{Memory: 2 << 30, Disk: 1 << 30, Pids: 512, Inodes: 5000},
	Timeout:  15 * time.Minute,
	LogLimit: 4 << 30,
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		step  StepName
		r     sandbox.Result
		said  string
		cause Cause
		note  string
	}{
		"success": {StepLint, sandbox.Result{}, "", "", ""},
		"success, though struck": {
			StepTest,
			sandbox.Result{OOMKilled: true},
			"",
			"",
			"green, although: out of memory: 2 GiB limit",
		},
		"clone": {
			StepClone,
			sandbox.Result{ExitCode: 128},
			"",
			CauseClone,
			"`prog` ended with exit code 128",
		},
		"clone repeated by plan": {
			StepPlan,
			sandbox.Result{ExitCode: 128},
			"",
			CauseClone,
			"`prog` ended with exit code 128",
		},
		"install": {StepInstall, sandbox.Result{ExitCode: 1}, "ERROR: no", CauseInstall, "ERROR: no"},
		"lint": {
			StepLint,
			sandbox.Result{ExitCode: 1},
			"",
			CauseLint,
			"`prog` ended with exit code 1",
		},
		"tests": {
			StepTest,
			sandbox.Result{ExitCode: 1},
			"",
			CauseTests,
			"`prog` ended with exit code 1",
		},
		"signal": {
			StepTest,
			sandbox.Result{Signal: "SIGSEGV"},
			"",
			CauseTests,
			"`prog` was ended by SIGSEGV",
		},
		"timeout": {
			StepTest,
			sandbox.Result{TimedOut: true, Signal: "SIGKILL"},
			"x",
			CauseTimeout,
			"timed out: 15 min limit for the build, in `prog`",
		},
		"timeout that exited 0": {
			StepTest,
			sandbox.Result{TimedOut: true},
			"",
			CauseTimeout,
			"timed out: 15 min limit for the build, in `prog`",
		},
		"memory": {
			StepInstall,
			sandbox.Result{OOMKilled: true, ExitCode: 1},
			"x",
			CauseOutOfMemory,
			"out of memory: 2 GiB limit, in `prog`",
		},
		"disk": {
			StepClone,
			sandbox.Result{DiskFull: "/tmp", ExitCode: 1},
			"",
			CauseDiskFull,
			"disk full: no room left in /tmp, 1 GiB limit over all, in `prog`",
		},
		"terminals": {
			StepTest,
			sandbox.Result{DiskFull: sandbox.Terminals, InodesFull: true, Signal: "SIGKILL"},
			"",
			CauseDiskFull,
			"too many pseudo-terminals: 256 limit, in `prog`",
		},
		"inodes": {
			StepInstall,
			sandbox.Result{DiskFull: "/tmp", InodesFull: true, ExitCode: 1},
			"",
			CauseDiskFull,
			"disk full: too many files in /tmp, 5000 limit over all, in `prog`",
		},
		"processes": {
			StepTest,
			sandbox.Result{PidsStruck: true, ExitCode: 1},
			"",
			CausePidsLimit,
			"too many processes: 512 limit, in `prog`",
		},
		"memory of sockets": {
			StepTest,
			sandbox.Result{Sockets: 300 << 20, Signal: "SIGKILL"},
			"",
			CauseOutOfMemory,
			"out of memory: 300 MiB waited unread in sockets, in `prog`",
		},
		"memory, then time": {
			StepTest,
			sandbox.Result{OOMKilled: true, TimedOut: true},
			"",
			CauseOutOfMemory,
			"out of memory: 2 GiB limit, in `prog`",
		},
		"fork bomb strikes it all": {
			StepTest,
			sandbox.Result{PidsStruck: true, OOMKilled: true, TimedOut: true},
			"",
			CausePidsLimit,
			"too many processes: 512 limit, in `prog`",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cause, note := stepCause(c.step, "prog", c.r, testLimits, c.said)
			if cause != c.cause || note != c.note {
				t.Errorf("got %q, %q; want %q, %q", cause, note, c.cause, c.note)
			}
		})
	}
}

func TestErrorsOfAStepHaveTheirCause(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("run command: %w", err) }
	in := func(err error) error { return &inCommand{wrap(err), "prog"} }
	for name, c := range map[string]struct {
		err   error
		cause Cause
		note  string
	}{
		"known":              {fail(CauseImage, "no %s", "image"), CauseImage, "no image"},
		"known among others": {errors.Join(fail(CausePlan, "x"), errors.New("y")), CausePlan, "x"},
		"time":               {wrap(errTimeout), CauseTimeout, "timed out: 15 min limit for the build"},
		"output":             {wrap(errLogLimit), CauseLogLimit, "too much output: 4 GiB limit"},
		"lost to memory": {
			wrap(&sandbox.LostError{OOMKilled: true}),
			CauseOutOfMemory,
			"out of memory: 2 GiB limit",
		},
		"lost to the clock": {
			wrap(&sandbox.LostError{Deadline: true}),
			CauseTimeout,
			"timed out: 15 min limit for the build",
		},
		"time, in":   {in(errTimeout), CauseTimeout, "timed out: 15 min limit for the build, in `prog`"},
		"output, in": {in(errLogLimit), CauseLogLimit, "too much output: 4 GiB limit, in `prog`"},
		"lost to memory, in": {
			in(&sandbox.LostError{OOMKilled: true}),
			CauseOutOfMemory,
			"out of memory: 2 GiB limit, in `prog`",
		},
		"lost to clock, in": {
			in(&sandbox.LostError{Deadline: true}),
			CauseTimeout,
			"timed out: 15 min limit for the build, in `prog`",
		},
		"lost": {
			wrap(&sandbox.LostError{ExitCode: 2, Stderr: "panic: x"}),
			CauseEngine,
			"run command: the sandbox ended by itself with exit code 2; PID 1 said: panic: x",
		},
		"killed": {
			wrap(&sandbox.LostError{ExitCode: 137}),
			CauseEngine,
			"run command: the sandbox was ended by SIGKILL (exit code 137); the kernel log of the engine's host says " +
				"whether for memory",
		},
		"no image":           {wrap(sandbox.ErrNoImage), CauseImage, "run command: no such image"},
		"engine":             {errors.New("cannot connect"), CauseEngine, "cannot connect"},
		"control characters": {errors.New("a\x1b[2J\nb"), CauseEngine, "a\uFFFD[2J\uFFFDb"},
	} {
		t.Run(name, func(t *testing.T) {
			if cause, note := causeOf(c.err, testLimits); cause != c.cause || note != c.note {
				t.Errorf("got %q, %q; want %q, %q", cause, note, c.cause, c.note)
			}
		})
	}
}

func TestOnlyAFailedLintLetsTheBuildGoOn(t *testing.T) {
	a := &attempt{limits: testLimits}
	for name, c := range map[string]struct {
		step StepName
		err  error
		over bool
	}{
		"green":              {StepInstall, nil, false},
		"nothing to do":      {StepInstall, errNothing, false},
		"install":            {StepInstall, fail(CauseInstall, "x"), true},
		"lint":               {StepLint, fail(CauseLint, "x"), false},
		"lint out of memory": {StepLint, fail(CauseOutOfMemory, "x"), false},
		"lint out of time":   {StepLint, fail(CauseTimeout, "x"), true},
		"lint lost":          {StepLint, &sandbox.LostError{}, true},
		"lint wrote much":    {StepLint, errLogLimit, true},
	} {
		t.Run(name, func(t *testing.T) {
			end, err := a.explain(t.Context(), c.step, c.err)
			if err != nil || end.over != c.over {
				t.Errorf("got over %v, %v; want %v", end.over, err, c.over)
			}
		})
	}
}

func TestCancellationOutranksWhatItCauses(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(ErrCanceled)
	end, err := (&attempt{}).explain(ctx, StepTest, &sandbox.LostError{})
	if err != nil || end.cause != CauseCanceled || !end.over {
		t.Errorf("got %+v, %v", end, err)
	}
}

func TestTheFirstStepThatIsNotGreenGivesTheOutcome(t *testing.T) {
	start := time.Now()
	steps := func(causes ...Cause) []Step {
		var all []Step
		for i, c := range causes {
			all = append(all, Step{
				Name: StepNames[i], Cause: c, Note: "note of " + string(StepNames[i]),
				StartedAt: start, EndedAt: start.Add(3400 * time.Millisecond),
			})
		}
		return all
	}
	for name, c := range map[string]struct {
		steps   []Step
		state   State
		cause   Cause
		summary string
	}{
		"passed":         {steps("", "", "", "", ""), Passed, "", "note of test in 3.4 s; note of plan"},
		"lint and tests": {steps("", "", "", CauseLint, CauseTests), Failed, CauseLint, "note of lint; note of plan"},
		"tests":          {steps("", "", "", "", CauseNoTests), Failed, CauseNoTests, "note of test; note of plan"},
		"plan":           {steps("", CausePlan, "", "", ""), Failed, CausePlan, "note of plan"},
		"clone":          {steps(CauseClone, "", "", "", ""), Errored, CauseClone, "note of clone"},
		"canceled":       {steps("", "", CauseCanceled, "", ""), Canceled, CauseCanceled, "note of install"},
	} {
		t.Run(name, func(t *testing.T) {
			o := outcomeOf("python-3.11", c.steps)
			if o.State != c.state || o.Cause != c.cause || o.Summary != c.summary {
				t.Errorf("got %s, %q, %q; want %s, %q, %q", o.State, o.Cause, o.Summary, c.state, c.cause, c.summary)
			}
		})
	}
}

func TestEveryCauseHasItsState(t *testing.T) {
	for cause, want := range map[Cause]State{
		"": Passed, CausePlan: Failed, CauseInstall: Failed, CauseLint: Failed, CauseTests: Failed,
		CauseNoTests: Failed, CauseTimeout: Failed, CauseOutOfMemory: Failed, CauseDiskFull: Failed,
		CausePidsLimit: Failed, CauseLogLimit: Failed, CauseClone: Errored, CauseIndex: Errored, CauseImage: Errored,
		CauseEngine: Errored, CauseInternal: Errored, CauseCanceled: Canceled, CauseQuota: Canceled,
	} {
		if got := cause.State(); got != want {
			t.Errorf("%q: got %s, want %s", cause, got, want)
		}
	}
}

func TestSummaryIsNoLongerThanALine(t *testing.T) {
	for name, value := range map[string]string{
		"a long text":  strings.Repeat("é", 100_000),
		"a deep table": strings.Repeat("a.", 50_000) + "a = 1\n",
	} {
		text := "[tool.vivarium]\ntimeout = '" + value + "'\n"
		if name == "a deep table" {
			text = "[tool.vivarium]\ntimeout." + value
		}
		survey := sandbox.Survey{
			Files:    []sandbox.File{{Path: "pyproject.toml"}},
			Contents: map[string][]byte{"pyproject.toml": []byte(text)},
		}
		_, mistake := python.Detect(survey, python.Options{Limits: testLimits})
		if mistake == nil {
			t.Fatal("control: it is a proper plan")
		}
		cause, note := causeOf(fail(CausePlan, "%v", mistake), testLimits)
		if cause != CausePlan || len(note) > 3000 ||
			!strings.HasPrefix(note, "pyproject.toml: [tool.vivarium] timeout = ") {
			t.Errorf("%s: %s with a note of %d bytes: %.80q", name, cause, len(note), note)
		}
	}
}

// TestSummaryFitsAStatus: a note that is longer stands whole with its step.
func TestSummaryFitsAStatus(t *testing.T) {
	note := strings.Repeat("many words ", 40)
	o := outcomeOf("python-3.11", []Step{{Name: StepPlan, Cause: CausePlan, Note: note}})
	if n := utf8.RuneCountInString(o.Summary); n > sentence.Max || n < sentence.Max-len("words ") {
		t.Errorf("%d characters: %s", n, o.Summary)
	}
	if o.Steps[0].Note != note {
		t.Errorf("the step's note is %q", o.Steps[0].Note)
	}
}
