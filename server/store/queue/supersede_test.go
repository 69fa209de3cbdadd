package queue_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/verdict"
)

// topic is the n-th commit, pushed to a branch that is not the default branch, n minutes after a
// beginning.
func topic(n int) Push {
	p := push(n)
	p.Ref = "refs/heads/topic"
	p.At = time.Now().Add(-time.Hour).Truncate(time.Hour).Add(time.Duration(n) * time.Minute)
	p.Before = push(n - 1).SHA
	return p
}

// superseding opens a store in which newer pushes end older builds.
func superseding(open func() *Store, how verdict.Supersede) *Store {
	s := open()
	s.Queue.Supersede(how)
	return s
}

// stands gives the state and cause of a build.
func stands(t *testing.T, s *Store, id int64) string {
	t.Helper()
	b, err := s.Builds.Get(t.Context(), id)
	must(t, err)
	return strings.TrimSpace(fmt.Sprint(b.State, " ", b.Cause))
}

func TestANewerPushEndsTheBuildOfAnOlderOneThatWaits(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := superseding(open, verdict.SupersedeWaiting)
		older, newer := accept(t, s, topic(1)), accept(t, s, topic(2))
		if got := stands(t, s, older); got != "canceled superseded" {
			t.Errorf("the older one is %s", got)
		}
		if got := stands(t, s, newer); got != "queued" {
			t.Errorf("the newer one is %s", got)
		}
		b, err := s.Builds.Get(t.Context(), older)
		must(t, err)
		if want := fmt.Sprintf("superseded by build %d: the branch was pushed again, to 0000000", newer); b.Summary != want {
			t.Errorf("it says %q, want %q", b.Summary, want)
		}
		statuses, err := s.Outbox.Statuses(t.Context(), older)
		must(t, err)
		if last := statuses[len(statuses)-1]; last.State != "error" || last.Description != b.Summary {
			t.Errorf("its status is %+v", last)
		}
		claimed, ok, err := s.ClaimNow(t.Context())
		if err != nil || !ok || claimed.ID != newer {
			t.Errorf("claimed build %d, %t, %v; want %d", claimed.ID, ok, err, newer)
		}
	})
}

// TestOnlyAnOlderPushOfTheSameBranchIsSuperseded, each with the control above.
func TestOnlyAnOlderPushOfTheSameBranchIsSuperseded(t *testing.T) {
	onDefault := func(n int) Push { p := topic(n); p.Ref = "refs/heads/main"; return p }
	for name, c := range map[string]struct {
		how                verdict.Supersede
		first, then        Push
		stands, standsThen string
	}{
		"the control":        {verdict.SupersedeWaiting, topic(1), topic(2), "canceled superseded", "queued"},
		"the default branch": {verdict.SupersedeRunning, onDefault(1), onDefault(2), "queued", "queued"},
		"switched off":       {verdict.SupersedeNone, topic(1), topic(2), "queued", "queued"},
		"another branch": {verdict.SupersedeRunning, topic(1),
			func() Push { p := topic(2); p.Ref = "refs/heads/topic2"; return p }(), "queued", "queued"},
		"another repository": {verdict.SupersedeRunning, topic(1),
			func() Push { p := topic(2); p.Repo.FullName = "octo/other"; return p }(), "queued", "queued"},
		"the older one came last":   {verdict.SupersedeWaiting, topic(2), topic(1), "queued", "canceled superseded"},
		"a default branch not said": {verdict.SupersedeRunning, unnamed(topic(1)), unnamed(topic(2)), "queued", "queued"},
	} {
		t.Run(name, func(t *testing.T) {
			s := superseding(func() *Store { return sqliteStore(t) }, c.how)
			first, then := accept(t, s, c.first), accept(t, s, c.then)
			if got := stands(t, s, first); got != c.stands {
				t.Errorf("the first is %s, want %s", got, c.stands)
			}
			if got := stands(t, s, then); got != c.standsThen {
				t.Errorf("the second is %s, want %s", got, c.standsThen)
			}
		})
	}
}

// unnamed is a push of a repository whose default branch is not known.
func unnamed(p Push) Push { p.Repo.DefaultBranch = ""; return p }

// TestTheNewerOfTwoPushesIsVerdictAndBuildWhicheverCameLast: verdict, what is built and what is
// superseded go by one order.
func TestTheNewerOfTwoPushesIsVerdictAndBuildWhicheverCameLast(t *testing.T) {
	for name, order := range map[string][]int{"in order": {1, 2}, "the older last": {2, 1}} {
		t.Run(name, func(t *testing.T) {
			everyDatabase(t, func(t *testing.T, open func() *Store) {
				s := superseding(open, verdict.SupersedeWaiting)
				ids := map[int]int64{}
				for _, n := range order {
					p := topic(n)
					p.At = p.At.Truncate(time.Hour) // one second: only before and after tell
					ids[n] = accept(t, s, p)
				}
				v, err := s.Builds.Verdicts(t.Context(), builds.VerdictQuery{Sight: builds.Sight{All: true}})
				if err != nil || len(v) != 1 || v[0].Judged.ID != ids[2] {
					t.Errorf("verdict %+v, %v; want build %d", v, err, ids[2])
				}
				if got := stands(t, s, ids[1]); got != "canceled superseded" {
					t.Errorf("the older one is %s", got)
				}
			})
		})
	}
}

func TestARerunOfAnOlderPushIsNotSuperseded(t *testing.T) {
	s := superseding(func() *Store { return sqliteStore(t) }, verdict.SupersedeRunning)
	older := accept(t, s, topic(1))
	accept(t, s, topic(2))
	again, err := s.Rerun(t.Context(), byTest, older)
	must(t, err)
	accept(t, s, topic(3))
	if got := stands(t, s, again); got != "queued" {
		t.Errorf("somebody asked for it, and it is %s", got)
	}
}

// TestASupersededPushThatComesAgainIsNotBuilt: the newer one is.
func TestASupersededPushThatComesAgainIsNotBuilt(t *testing.T) {
	s := superseding(func() *Store { return sqliteStore(t) }, verdict.SupersedeWaiting)
	older := accept(t, s, topic(1))
	accept(t, s, topic(2))
	if a, err := s.AcceptPush(t.Context(), topic(1)); err != nil || a != (Accepted{BuildID: older, Duplicate: true}) {
		t.Errorf("got %+v, %v; want a duplicate of build %d", a, err, older)
	}
}

// TestARunningBuildEndsForANewerPushOnlyWhereTheOperatorWantsIt, also where another process takes
// the push.
func TestARunningBuildEndsForANewerPushOnlyWhereTheOperatorWantsIt(t *testing.T) {
	for how, want := range map[verdict.Supersede]string{
		verdict.SupersedeRunning: "canceled superseded", verdict.SupersedeWaiting: "passed",
	} {
		t.Run(string(how), func(t *testing.T) {
			everyDatabase(t, func(t *testing.T, open func() *Store) {
				s, other := superseding(open, how), superseding(open, how)
				noLeaks(t)
				release := make(chan struct{})
				serve(t, s, Work{Build: func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (
					pipeline.Outcome, error,
				) {
					select {
					case <-ctx.Done():
						return pipeline.Outcome{}, context.Cause(ctx)
					case <-release:
						return passing(ctx, b, rec)
					}
				}})
				older := accept(t, s, topic(1))
				waitState(t, s, older, pipeline.Running)
				newer := accept(t, other, topic(2))
				if how == verdict.SupersedeRunning {
					waitState(t, s, older, pipeline.Canceled)
				}
				close(release)
				waitState(t, s, newer, pipeline.Passed)
				eventually(t, "the older one "+want, func() bool { return stands(t, s, older) == want })
			})
		})
	}
}

// TestManyPushesOfOneBranchLeaveOneThatWaits, also when they come at once and in any order.
func TestManyPushesOfOneBranchLeaveOneThatWaits(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := superseding(open, verdict.SupersedeWaiting)
		var pushes []Push
		for _, n := range []int{3, 1, 5, 2, 4} {
			pushes = append(pushes, topic(n))
		}
		_, errs := s.AcceptBatch(t.Context(), pushes...)
		for _, err := range errs {
			must(t, err)
		}
		all, err := s.Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true}, State: pipeline.Queued})
		if err != nil || len(all) != 1 || all[0].SHA != topic(5).SHA {
			t.Errorf("%+v, %v wait; want push 5 alone", all, err)
		}
	})
}

// TestAPushThatIsAPullRequestsHeadEndsTheOlderOne: it gets that build, also where it has ended.
func TestAPushThatIsAPullRequestsHeadEndsTheOlderOne(t *testing.T) {
	for _, state := range []pipeline.State{pipeline.Queued, pipeline.Passed} {
		everyDatabase(t, func(t *testing.T, open func() *Store) {
			s := superseding(open, verdict.SupersedeWaiting)
			pulled := acceptPull(t, s, pull(2)).BuildID
			endAs(t, s, pulled, state)
			older := accept(t, s, topic(1))
			if got := stands(t, s, older); got != "queued" {
				t.Errorf("control: before the push the older one is %s", got)
			}
			if a, err := s.AcceptPush(t.Context(), topic(2)); err != nil || a.BuildID != pulled || !a.Shared {
				t.Errorf("got %+v, %v; want build %d shared", a, err, pulled)
			}
			if got := stands(t, s, older); got != "canceled superseded" {
				t.Errorf("%s: the older one is %s", state, got)
			}
			if got := stands(t, s, pulled); got != string(state) {
				t.Errorf("the newer one is %s, want %s", got, state)
			}
		})
	}
}
