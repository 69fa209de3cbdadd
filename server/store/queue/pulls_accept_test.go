package queue_test

import (
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/pulls"
	"vivarium/server/store/queue/queuetest"
)

var (
	pull     = queuetest.Pull
	stranger = queuetest.Stranger
)

func acceptPull(t *testing.T, s *Store, p pulls.Pull) Accepted {
	t.Helper()
	a, err := s.Pulls.Accept(t.Context(), p)
	must(t, err)
	return a
}

func allBuilds(t *testing.T, s *Store) []pipeline.Build {
	t.Helper()
	all, err := s.Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true}})
	must(t, err)
	return all
}

// TestAPushAndAPullRequestOfOneCommitAreOneBuild: whichever comes first, and whatever became of it.
// The push's branch keeps its verdict.
func TestAPushAndAPullRequestOfOneCommitAreOneBuild(t *testing.T) {
	for _, state := range []pipeline.State{pipeline.Queued, pipeline.Running, pipeline.Passed, pipeline.Failed} {
		for _, pushFirst := range []bool{true, false} {
			everyDatabase(t, func(t *testing.T, open func() *Store) {
				s := open()
				topic := push(1)
				topic.Ref = "refs/heads/topic"
				var first int64
				var second Accepted
				var err error
				if pushFirst {
					first = accept(t, s, topic)
					endAs(t, s, first, state)
					second = acceptPull(t, s, pull(1))
				} else {
					first = acceptPull(t, s, pull(1)).BuildID
					endAs(t, s, first, state)
					second, err = s.AcceptPush(t.Context(), topic)
					must(t, err)
				}
				if second.BuildID != first || !second.Shared {
					t.Errorf("%s, push first %v: got %+v, want build %d shared", state, pushFirst, second, first)
				}
				b, err := s.Builds.Get(t.Context(), first)
				if err != nil || b.Pull != 12 || b.Ref != "refs/heads/topic" || b.Trigger != pipeline.TriggerPush ||
					b.State != state || b.Fork || len(allBuilds(t, s)) != 1 {
					t.Errorf("%s, push first %v: %+v, %v; want one build with both names", state, pushFirst, b, err)
				}
				v, err := s.Builds.Verdicts(t.Context(), builds.VerdictQuery{Sight: builds.Sight{All: true}})
				if err != nil || len(v) != 1 || v[0].Push.ID != first || v[0].Branch() != "topic" {
					t.Errorf("%s, push first %v: verdicts %+v, %v", state, pushFirst, v, err)
				}
				// The same deliveries again change nothing.
				for _, again := range []func() (Accepted, error){
					func() (Accepted, error) { return s.AcceptPush(t.Context(), topic) },
					func() (Accepted, error) { return s.Pulls.Accept(t.Context(), pull(1)) },
				} {
					if a, err := again(); err != nil || a.BuildID != first || !a.Duplicate && !a.Shared {
						t.Errorf("again: %+v, %v", a, err)
					}
				}
			})
		}
	}
}

func TestAPullRequestWithoutAPushIsBuiltAtItsHead(t *testing.T) {
	s := sqliteStore(t)
	a := acceptPull(t, s, pull(1))
	b, err := s.Builds.Get(t.Context(), a.BuildID)
	if err != nil || b.Ref != "refs/pull/12/head" || b.Trigger != pipeline.TriggerPull || b.SHA != pull(1).SHA ||
		b.Pull != 12 || b.State != pipeline.Queued || b.Message != "Say hello" || b.Author != "mona" {
		t.Errorf("got %+v, %v", b, err)
	}
	if claimed, ok, err := s.ClaimNow(t.Context()); err != nil || !ok || claimed.ID != a.BuildID {
		t.Errorf("claimed %+v, %v, %v", claimed, ok, err)
	}
	v, err := s.Builds.Verdicts(t.Context(), builds.VerdictQuery{Sight: builds.Sight{All: true}})
	if err != nil || len(v) != 0 {
		t.Errorf("verdicts of branches: %+v, %v; want none", v, err)
	}
}

// TestAPullRequestIsBuiltAgainWhereItsPushCameToNothing: as a redelivered push is.
func TestAPullRequestIsBuiltAgainWhereItsPushCameToNothing(t *testing.T) {
	for _, state := range []pipeline.State{pipeline.Errored, pipeline.Canceled} {
		s := sqliteStore(t)
		first := accept(t, s, push(1))
		endAs(t, s, first, state)
		a := acceptPull(t, s, pull(1))
		b, err := s.Builds.Get(t.Context(), a.BuildID)
		if err != nil || b.RerunOf != first || b.Ref != push(1).Ref || b.Pull != 12 || b.State != pipeline.Queued {
			t.Errorf("%s: got %+v, %v; want a rerun of build %d", state, b, err, first)
		}
	}
}

// TestALaterStateOfAPullRequestCounts: deliveries overtake each other.
func TestALaterStateOfAPullRequestCounts(t *testing.T) {
	for _, of := range []func(int) pulls.Pull{pull, stranger} {
		s := sqliteStore(t)
		older, newer := of(1), of(2)
		older.At = time.Now().Add(-time.Minute)
		newer.At = older.At.Add(time.Second)
		first := acceptPull(t, s, newer)
		late := acceptPull(t, s, older)
		if late.BuildID != first.BuildID || !late.Overtaken || len(allBuilds(t, s)) != 1 {
			t.Errorf("got %+v, want overtaken by build %d", late, first.BuildID)
		}
		// The control: one that was really pushed later is built.
		latest := of(3)
		latest.At = newer.At.Add(time.Second)
		if a := acceptPull(t, s, latest); a.Overtaken || a.BuildID == first.BuildID {
			t.Errorf("a later one: got %+v", a)
		}
	}
}

// TestAPullRequestThatIsPrivateHidesBuildsOnlyWhenItIsNew: what one that comes again said may not hold
// any more.
func TestAPullRequestThatIsPrivateHidesBuildsOnlyWhenItIsNew(t *testing.T) {
	s := sqliteStore(t)
	private := pull(1)
	private.Repo.Private = true
	earlier := accept(t, s, push(2))
	acceptPull(t, s, private)
	later := accept(t, s, push(3)) // the repository is public again
	acceptPull(t, s, private)
	for id, want := range map[int64]bool{earlier: true, later: false} {
		if b, err := s.Builds.Get(t.Context(), id); err != nil || b.Repo.Private != want {
			t.Errorf("build %d is private: %v, %v; want %v", id, b.Repo.Private, err, want)
		}
	}
}

// TestAPullRequestIsBuiltWhoseBranchesPushesAreLeftOut: its green status would be one of nothing. One whose
// commit asks to be skipped is not.
func TestAPullRequestIsBuiltWhoseBranchesPushesAreLeftOut(t *testing.T) {
	for cause, built := range map[pipeline.Cause]bool{
		pipeline.CauseFiltered: true, pipeline.CauseSkipped: false, "": false,
	} {
		everyDatabase(t, func(t *testing.T, open func() *Store) {
			s := open()
			topic := push(1)
			topic.Ref = "refs/heads/topic"
			if topic.Because = cause; cause != "" {
				topic.Unwanted = "it is not wanted"
			}
			first := accept(t, s, topic)
			a := acceptPull(t, s, pull(1))
			if a.Shared == built {
				t.Errorf("after a push that is %q: %+v, want a build of its own: %t", cause, a, built)
			}
			b, err := s.Builds.Get(t.Context(), a.BuildID)
			if err != nil || built && (b.ID == first || b.State != pipeline.Queued || b.Ref != "refs/pull/12/head") {
				t.Errorf("after a push that is %q: %+v, %v", cause, b, err)
			}
		})
	}
}
