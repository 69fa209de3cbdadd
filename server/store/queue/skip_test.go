package queue_test

import (
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/verdict"
)

const why = "the commit's message says [skip ci]"

// unwanted is a push that is not to be built.
func unwanted(p Push) Push { p.Unwanted, p.Because = why, pipeline.CauseSkipped; return p }

// judgedNow is the build that is the verdict of the one branch there is; 0: there is none.
func judgedNow(t *testing.T, s *Store) int64 {
	t.Helper()
	v, err := s.Builds.Verdicts(t.Context(), builds.VerdictQuery{Sight: builds.Sight{All: true}})
	must(t, err)
	if len(v) == 0 {
		return 0
	}
	return v[0].Judged.ID
}

// TestASkippedPushIsGreenRunsNothingAndChangesNoVerdict: a required check must not hang for it.
func TestASkippedPushIsGreenRunsNothingAndChangesNoVerdict(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		if got := judgedNow(t, s); got != 0 {
			t.Fatalf("verdict %d of nothing", got)
		}
		accept(t, s, unwanted(topic(1)))
		if got := judgedNow(t, s); got != 0 {
			t.Errorf("a push that was skipped alone is the verdict: build %d", got)
		}
		built := accept(t, s, topic(2))
		endAs(t, s, built, pipeline.Failed)
		a, err := s.AcceptPush(t.Context(), unwanted(topic(3)))
		if err != nil || a.Unwanted != why || a.Skipped || a.BuildID == built {
			t.Fatalf("%+v, %v", a, err)
		}
		b, err := s.Builds.Get(t.Context(), a.BuildID)
		if err != nil || b.State != pipeline.Skipped || b.Cause != pipeline.CauseSkipped || b.Summary != why ||
			b.EndedAt.IsZero() {
			t.Errorf("%+v, %v", b, err)
		}
		statuses, err := s.Outbox.Statuses(t.Context(), a.BuildID)
		if err != nil || len(statuses) != 1 || statuses[0].State != "success" || statuses[0].Description != "skipped: "+why {
			t.Errorf("statuses %+v, %v; want a green one that says why", statuses, err)
		}
		if _, ok, err := s.ClaimNow(t.Context()); ok || err != nil {
			t.Errorf("something is built: %v", err)
		}
		if got := judgedNow(t, s); got != built {
			t.Errorf("the verdict is build %d's, want that of the push before, %d", got, built)
		}
	})
}

// TestASkipNeverMakesGreenWhatWasBuilt: the same commit on another branch, or again.
func TestASkipNeverMakesGreenWhatWasBuilt(t *testing.T) {
	s := sqliteStore(t)
	built := accept(t, s, topic(1))
	endAs(t, s, built, pipeline.Failed)
	elsewhere := unwanted(topic(1))
	elsewhere.GUID, elsewhere.BodyHash, elsewhere.Ref = "other", "other", "refs/heads/other"
	a, err := s.AcceptPush(t.Context(), elsewhere)
	if err != nil || a != (Accepted{BuildID: built, Skipped: true, Unwanted: why}) && a.BuildID != built {
		t.Errorf("%+v, %v; want build %d", a, err, built)
	}
	all, err := s.Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true}})
	if err != nil || len(all) != 1 {
		t.Errorf("%d builds, %v; want one, whose status stands", len(all), err)
	}
}

func TestASkippedPushIsNotBuiltByARedeliveryAndIsByARerun(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		built := accept(t, s, topic(1))
		endAs(t, s, built, pipeline.Passed)
		skipped := accept(t, s, unwanted(topic(2)))
		if a, err := s.AcceptPush(t.Context(), unwanted(topic(2))); err != nil ||
			a != (Accepted{BuildID: skipped, Duplicate: true}) {
			t.Errorf("redelivered: %+v, %v", a, err)
		}
		again, err := s.Rerun(t.Context(), byTest, skipped)
		must(t, err)
		if got := stands(t, s, again); got != "queued" {
			t.Errorf("its rerun is %s", got)
		}
		endAs(t, s, again, pipeline.Failed)
		if got := judgedNow(t, s); got != again {
			t.Errorf("the verdict is build %d's, want that of the last push, which was built after all: %d", got, again)
		}
	})
}

// TestASkippedPushSupersedesNothing: what it leaves out is told by the build before.
func TestASkippedPushSupersedesNothing(t *testing.T) {
	s := superseding(func() *Store { return sqliteStore(t) }, verdict.SupersedeRunning)
	older := accept(t, s, topic(1))
	skipped := accept(t, s, unwanted(topic(2)))
	if got := stands(t, s, older); got != "queued" {
		t.Errorf("after a skipped push the older one is %s", got)
	}
	late := topic(0) // delivered late: topic(1) is the last that is built
	late.Before = ""
	if got := stands(t, s, accept(t, s, late)); got != "canceled superseded" {
		t.Errorf("one before both is %s", got)
	}
	again, err := s.Rerun(t.Context(), byTest, skipped)
	must(t, err)
	accept(t, s, topic(3))
	if got := stands(t, s, again); got != "queued" {
		t.Errorf("somebody asked for it, and it is %s", got)
	}
	if got := stands(t, s, older); got != "canceled superseded" {
		t.Errorf("the control: after a push that is built the older one is %s", got)
	}
}

// TestASkippedPushBetweenOthersOfItsSecondKeepsTheirOrder: only it tells which of them is the last.
func TestASkippedPushBetweenOthersOfItsSecondKeepsTheirOrder(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		ids := map[int]int64{}
		for _, n := range []int{3, 2, 1} {
			p := topic(n)
			p.At = p.At.Truncate(time.Hour)
			if n == 2 {
				p = unwanted(p)
			}
			ids[n] = accept(t, s, p)
		}
		if got := judgedNow(t, s); got != ids[3] {
			t.Errorf("the verdict is build %d's, want %d", got, ids[3])
		}
	})
}

// TestAPushIsLeftOutByItsFilesOnlyWhereWhatItChangesHasPassed: a required check must not turn green by a
// push that leaves red code as it was.
func TestAPushIsLeftOutByItsFilesOnlyWhereWhatItChangesHasPassed(t *testing.T) {
	for name, c := range map[string]struct {
		before pipeline.State // how the commit before it stands; empty: it was never built
		want   string
	}{
		"passed": {pipeline.Passed, "skipped unchanged"}, "failed": {pipeline.Failed, "queued"},
		"errored": {pipeline.Errored, "queued"}, "running": {pipeline.Running, "queued"},
		"canceled": {pipeline.Canceled, "queued"}, "never built": {"", "queued"},
	} {
		t.Run(name, func(t *testing.T) {
			everyDatabase(t, func(t *testing.T, open func() *Store) {
				s := open()
				if c.before != "" {
					endAs(t, s, accept(t, s, topic(1)), c.before)
				}
				docs := topic(2)
				docs.Unwanted, docs.Because = "no file has changed", pipeline.CauseUnchanged
				a, err := s.AcceptPush(t.Context(), docs)
				must(t, err)
				if got := stands(t, s, a.BuildID); got != c.want || (a.Unwanted != "") != (c.want != "queued") {
					t.Errorf("it is %s, and the answer %+v; want %s", got, a, c.want)
				}
			})
		})
	}
}

// TestWhatFollowsALeftOutPushIsWeighedAsThatWas: two pushes of texts in a row.
func TestWhatFollowsALeftOutPushIsWeighedAsThatWas(t *testing.T) {
	s := sqliteStore(t)
	endAs(t, s, accept(t, s, topic(1)), pipeline.Passed)
	unchanged := func(n int) Push {
		p := topic(n)
		p.Unwanted, p.Because = "no file has changed", pipeline.CauseUnchanged
		return p
	}
	for n := 2; n < 4; n++ {
		if got := stands(t, s, accept(t, s, unchanged(n))); got != "skipped unchanged" {
			t.Errorf("push %d is %s", n, got)
		}
	}
	accept(t, s, unwanted(topic(4)))
	if got := stands(t, s, accept(t, s, unchanged(5))); got != "queued" {
		t.Errorf("after a push that nobody looked at it is %s", got)
	}
	if got := judgedNow(t, s); got != 5 {
		t.Errorf("the verdict is build %d's", got)
	}
}

// TestABranchWithoutCommitsIsBuiltWhereItsCommitWasOnlySkippedOrSuperseded: nothing tells of it.
func TestABranchWithoutCommitsIsBuiltWhereItsCommitWasOnlySkippedOrSuperseded(t *testing.T) {
	bare := func(n int) Push {
		p := topic(n)
		p.GUID, p.BodyHash, p.Ref, p.Bare = p.GUID+"b", p.BodyHash+"b", "refs/heads/copy", true
		return p
	}
	for name, c := range map[string]struct {
		before func(s *Store)
		built  bool
	}{
		"skipped":     {func(s *Store) { accept(t, s, unwanted(topic(1))) }, true},
		"superseded":  {func(s *Store) { accept(t, s, topic(1)); accept(t, s, topic(2)) }, true},
		"the control": {func(s *Store) { accept(t, s, topic(1)) }, false},
	} {
		s := superseding(func() *Store { return sqliteStore(t) }, verdict.SupersedeWaiting)
		c.before(s)
		if a, err := s.AcceptPush(t.Context(), bare(1)); err != nil || a.Skipped == c.built {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}
