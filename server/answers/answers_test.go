package answers

import (
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/store/queue"
)

// TestAnAnswerSaysWhatBecameOfAPushAndWhere: its reader has nothing else before them.
func TestAnAnswerSaysWhatBecameOfAPushAndWhere(t *testing.T) {
	const url = "https://ci.example.org/logs/7"
	const rerun = "; to build it all the same, run on the server: vivarium builds rerun 7"
	for name, c := range map[string]struct {
		accepted queue.Accepted
		build    pipeline.Build
		status   int
		want     string
	}{
		"queued": {queue.Accepted{}, pipeline.Build{State: pipeline.Queued}, 202, "queued: " + url},
		"over a quota": {queue.Accepted{OverQuota: "over quota: 1 of 1 builds wait"}, pipeline.Build{}, 202,
			"over quota: 1 of 1 builds wait"},
		"skipped": {queue.Accepted{Unwanted: "the commit's message says [skip ci]"}, pipeline.Build{}, 202,
			"skipped: the commit's message says [skip ci]" + rerun},
		"skipped, and built before": {
			queue.Accepted{Unwanted: "the commit's message says [skip ci]", Skipped: true},
			pipeline.Build{State: pipeline.Failed, Cause: pipeline.CauseTests}, 200,
			"skipped: the commit's message says [skip ci]; its commit's build failed: " + url},
		"superseded": {queue.Accepted{Superseded: true}, pipeline.Build{Summary: "superseded by build 9"}, 202,
			"superseded by build 9" + rerun},
		"bare": {queue.Accepted{Skipped: true}, pipeline.Build{State: pipeline.Passed}, 200,
			"the branch was created without commits of its own, and its commit's build passed: " + url},
		"known": {queue.Accepted{Duplicate: true}, pipeline.Build{State: pipeline.Running}, 202,
			"this delivery is known already, and its build is running: " + url},
		"known and superseded": {queue.Accepted{Duplicate: true},
			pipeline.Build{State: pipeline.Canceled, Cause: pipeline.CauseSuperseded}, 202,
			"this delivery is known already, and its build was superseded by a newer push's: " + url},
		"known and canceled": {queue.Accepted{Duplicate: true},
			pipeline.Build{State: pipeline.Canceled, Cause: pipeline.CauseCanceled}, 202,
			"this delivery is known already, and its build was canceled: " + url},
		"known and skipped": {queue.Accepted{Duplicate: true},
			pipeline.Build{State: pipeline.Skipped, Cause: pipeline.CauseSkipped}, 202,
			"this delivery is known already, and its build was skipped: " + url},
		"built again": {queue.Accepted{Again: 3}, pipeline.Build{State: pipeline.Queued}, 202,
			"queued: this delivery was known already, and build 3 of it had come to nothing: " + url},
	} {
		c.accepted.BuildID = 7
		status, got := Pushed{c.accepted, c.build, url}.Sentence()
		if status != c.status || got != c.want {
			t.Errorf("%s: %d %q, want %d %q", name, status, got, c.status, c.want)
		}
	}
}

// TestARefusalAdvisesNoCommandThatIsRefused: `repos secret` has none of a pattern whose repositories have
// each their own, and `repos add` takes no entry a second time.
func TestARefusalAdvisesNoCommandThatIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ with, without []string }{
		"octo/hello": {[]string{"vivarium repos secret octo/hello", "vivarium repos add octo/hello"}, nil},
		"corp": {[]string{"repos list", "repos add 'corp/*' --organization. Where the list has that"},
			[]string{"secret 'corp/*'"}},
		"": {[]string{"vivarium repos list"}, []string{"OWNER", "repos add", "repos secret"}},
	} {
		got := Refusal(name)
		for _, words := range c.with {
			if !strings.Contains(got, words) {
				t.Errorf("%q: %q lacks %q", name, got, words)
			}
		}
		for _, words := range c.without {
			if strings.Contains(got, words) {
				t.Errorf("%q: %q has %q", name, got, words)
			}
		}
	}
}
