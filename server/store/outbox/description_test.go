package outbox

import (
	"strings"
	"testing"
	"unicode/utf8"

	"vivarium/pipeline"
	"vivarium/pipeline/sentence"
	"vivarium/server/store/builds"
)

func TestDescriptionsAreTheSummary(t *testing.T) {
	for _, c := range []struct {
		cause         pipeline.Cause
		summary, want string
	}{
		{"", "4 tests in 2.1 s", "passed: 4 tests in 2.1 s"},
		{pipeline.CausePlan, "pyproject.toml, line 1: no key", "pyproject.toml, line 1: no key"},
		{
			pipeline.CauseInstall,
			"No matching distribution found for nope",
			"No matching distribution found for nope",
		},
		{pipeline.CauseLint, "flake8 found 1 problem", "flake8 found 1 problem"},
		{pipeline.CauseTests, "1 failure in 5 tests", "1 failure in 5 tests"},
		{pipeline.CauseNoTests, "no tests: unittest found nothing to run", "no tests: unittest found nothing to run"},
		{
			pipeline.CauseTimeout,
			"timed out: 15m limit for the build, in `pip`",
			"timed out: 15m limit for the build, in `pip`",
		},
		{
			pipeline.CauseOutOfMemory,
			"out of memory: 2 GiB limit (4 GiB with files), in `python -m unittest`",
			"out of memory: 2 GiB limit (4 GiB with files), in `python -m unittest`",
		},
		{
			pipeline.CauseDiskFull,
			"disk full: no room left in /tmp, 2 GiB limit over all",
			"disk full: no room left in /tmp, 2 GiB limit over all",
		},
		{
			pipeline.CausePidsLimit,
			"too many processes: 512 limit, in `python -m unittest`",
			"too many processes: 512 limit, in `python -m unittest`",
		},
		{pipeline.CauseLogLimit, "too much output: 4 GiB limit", "too much output: 4 GiB limit"},
		{pipeline.CauseClone, "git's words:\n  repository not found", "git's words: repository not found"},
		{pipeline.CauseIndex, "the index is away", "the index is away"},
		{pipeline.CauseImage, "no runner image", "no runner image"},
		{pipeline.CauseEngine, "the engine went away", "the engine went away"},
		{pipeline.CauseInternal, "Vivarium failed: nil map", "Vivarium failed: nil map"},
		{pipeline.CauseCanceled, "canceled on request", "canceled on request"},
		{pipeline.CauseQuota, "", "over quota"},
	} {
		if got := describe(c.cause.State(), c.cause, c.summary); got != c.want {
			t.Errorf("%s: got %q, want %q", c.cause, got, c.want)
		}
	}
	if got, want := describe(pipeline.Queued, "", ""), "queued or running"; got != want {
		t.Errorf("pending: got %q, want %q", got, want)
	}
}

func TestDescriptionsFitGitHubsLimit(t *testing.T) {
	for name, summary := range map[string]string{
		"words":        strings.Repeat("zwölf Wörter ", 40),
		"one word":     strings.Repeat("ü", 300),
		"exactly full": strings.Repeat("x", sentence.Max),
	} {
		got := describe(pipeline.Failed, pipeline.CauseTests, summary)
		if n := utf8.RuneCountInString(got); n > sentence.Max || n < sentence.Max-len("zwölf Wörter ") {
			t.Errorf("%s: got %d characters: %s", name, n, got)
		}
		if cut := strings.HasSuffix(got, "…"); cut == (name == "exactly full") || !utf8.ValidString(got) {
			t.Errorf("%s: cut is %v: %q", name, cut, got)
		}
	}
}

func TestDescriptionsHoldNothingBeyondTheBasicPlane(t *testing.T) {
	got := describe(pipeline.Failed, pipeline.CauseInstall, "Invalid requirement: '🐍==1' in größe.txt")
	if want := "Invalid requirement: '□==1' in größe.txt"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	waits := builds.Row{
		State:     pipeline.Queued,
		WaitCause: pipeline.CauseClone,
		WaitWhy:   "git host 🐍 does not answer",
		WaitSince: 1,
	}
	if got := description(waits); !strings.Contains(got, "git host □ does not answer") {
		t.Errorf("of one that waits: got %q", got)
	}
}
