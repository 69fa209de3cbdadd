package console

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
)

// shownBy plays a step on a console and returns the output.
func shownBy(t *testing.T, term Terminal, secrets []string, play func(c *Console)) string {
	t.Helper()
	var out bytes.Buffer
	c := New(&out, term, secrets)
	if err := c.StepStarted(t.Context(), pipeline.Step{Name: pipeline.StepTest, StartedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	play(c)
	if err := c.StepEnded(t.Context(), pipeline.Step{Name: pipeline.StepTest}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func output(t *testing.T, c *Console, stream pipeline.Stream, text string) {
	t.Helper()
	if err := c.Output(t.Context(), pipeline.StepTest, stream, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestProgressLineGoesBeforeOutputAndNeverIntoALine(t *testing.T) {
	got := shownBy(t, Terminal{Interactive: true}, nil, func(c *Console) {
		soon := time.Now().Add(5 * time.Second)
		c.drawProgress(soon)
		output(t, c, pipeline.Stdout, "half ")
		c.drawProgress(soon) // draws nothing: a line is being written
		output(t, c, pipeline.Stdout, "line\n")
	})
	if want := "── test\n\r\x1b[K… test 5 s\r\x1b[Khalf line\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOwnLinesAreDimAndOthersKeepTheirColours(t *testing.T) {
	play := func(c *Console) {
		output(t, c, pipeline.System, "$ make\n")
		output(t, c, pipeline.Stdout, "\x1b[31mred\x1b[0m\x1b[2J\n")
	}
	got := shownBy(t, Terminal{Interactive: true, Colour: true}, nil, play)
	if want := "\x1b[1m── test\x1b[0m\n\x1b[2m$ make\x1b[0m\n\x1b[31mred\x1b[0m\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := shownBy(t, Terminal{}, nil, play), "── test\n$ make\nred\n"; got != want {
		t.Errorf("without colours: got %q, want %q", got, want)
	}
}

func TestSecretIsMaskedOnTheConsoleAlsoAcrossPieces(t *testing.T) {
	got := shownBy(t, Terminal{}, []string{"s3cret-canary"}, func(c *Console) {
		output(t, c, pipeline.Stdout, "token s3cret-")
		output(t, c, pipeline.Stdout, "canary!\n")
	})
	if strings.Contains(got, "canary") || !strings.Contains(got, "token ") || !strings.Contains(got, "!\n") {
		t.Errorf("got %q", got)
	}
}

func TestTerminalIsOnlyWhatIsOne(t *testing.T) {
	if got := TerminalOf(&bytes.Buffer{}, []string{"TERM=xterm"}); got != (Terminal{}) {
		t.Errorf("a buffer: %+v", got)
	}
}

func TestSummaryNamesEachStepOnceAndTheVerdictLast(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	got := summary(Terminal{}, pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseTests,
		Summary: "1 failure in 2 tests", Steps: []pipeline.Step{
			{
				Name:      pipeline.StepClone,
				State:     pipeline.StepPassed,
				StartedAt: at,
				EndedAt:   at.Add(1200 * time.Millisecond),
			},
			{Name: pipeline.StepInstall, State: pipeline.StepSkipped},
			{
				Name:      pipeline.StepTest,
				State:     pipeline.StepFailed,
				Note:      "1 failure in 2 tests",
				StartedAt: at,
				EndedAt:   at.Add(61 * time.Second),
			},
		}}, 63*time.Second)
	want := "passed   clone        1.2 s\nskipped  install\nfailed   test    1 min 01 s  1 failure in 2 tests\n" +
		"failed (tests) after 1 min 03 s: 1 failure in 2 tests\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
