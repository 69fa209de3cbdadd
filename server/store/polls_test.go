package store

import (
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/heads"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/polls"
	"vivarium/server/store/queue"
	"vivarium/server/store/queue/queuetest"
)

// pollOf is a look that finds the branch of a push at its commit.
func pollOf(p queue.Push, before string) polls.Poll {
	return polls.Poll{Repo: p.Repo, Move: heads.Move{Head: heads.Head{Ref: p.Ref, SHA: p.SHA}, Before: before}}
}

func acceptPoll(t *testing.T, s *Store, p polls.Poll) (build int64) {
	t.Helper()
	build, err := s.Polls.Accept(t.Context(), p)
	must(t, err)
	return build
}

// buildsOf lists the builds of the tests' repository, newest first.
func buildsOf(t *testing.T, s *Store) []pipeline.Build {
	t.Helper()
	list, err := s.Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true}})
	must(t, err)
	return list
}

// TestAMissedPushIsBuiltOnce: by the look that finds it, whoever looks again, and whether its
// delivery comes late or is asked for again.
func TestAMissedPushIsBuiltOnce(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s, other := open(), open()
		missed := pollOf(push(1), "")
		id := acceptPoll(t, s, missed)
		b, err := s.Builds.Get(t.Context(), id)
		if err != nil || b.Trigger != pipeline.TriggerPoll || b.SHA != push(1).SHA || b.State != pipeline.Queued {
			t.Errorf("got %+v, %v", b, err)
		}
		if again := acceptPoll(t, other, missed); again != 0 {
			t.Errorf("another server's look: build %d", again)
		}
		late := push(1)
		late.At, late.Before, late.Author = time.Now().Add(-time.Hour), push(0).SHA, "octocat"
		for range 2 { // the second is GitHub's redelivery
			d, err := s.Queue.AcceptPush(t.Context(), late)
			if err != nil || d.BuildID != id || !d.Duplicate {
				t.Errorf("its delivery: %+v, %v", d, err)
			}
		}
		if b, err = s.Builds.Get(t.Context(), id); err != nil || b.Author != "octocat" {
			t.Errorf("after its delivery: %+v, %v", b, err)
		}
		if list := buildsOf(t, s); len(list) != 1 {
			t.Errorf("%d builds", len(list))
		}
	})
}

// TestALookBuildsNothingThatADeliveryTold: the usual case, in which no push is missed.
func TestALookBuildsNothingThatADeliveryTold(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		accept(t, s, push(1))
		if id := acceptPoll(t, s, pollOf(push(1), "")); id != 0 {
			t.Errorf("a look at what was told: build %d", id)
		}
		branch := push(1)
		branch.Ref = "refs/heads/topic"
		if id := acceptPoll(t, s, pollOf(branch, "")); id != 0 {
			t.Errorf("a new branch at a commit that was built: build %d", id)
		}
		if id := acceptPoll(t, s, pollOf(push(2), push(1).SHA)); id == 0 {
			t.Error("control: a move that nobody told of is not built")
		}
	})
}

// TestABranchThatIsForcedBackIsBuiltAgain: found by a look or told by a delivery, what it is at now
// is what counts.
func TestABranchThatIsForcedBackIsBuiltAgain(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		now := time.Now().Truncate(time.Second)
		s.Database.Now = func() time.Time { return now }
		acceptPoll(t, s, pollOf(push(1), ""))
		now = now.Add(time.Hour)
		acceptPoll(t, s, pollOf(push(2), push(1).SHA))
		now = now.Add(time.Hour)
		back := acceptPoll(t, s, pollOf(push(1), push(2).SHA))
		if back == 0 {
			t.Error("found: it is not built")
		}
		now = now.Add(time.Hour)
		acceptPoll(t, s, pollOf(push(3), push(1).SHA))
		now = now.Add(time.Hour)
		told := push(1)
		told.At, told.Before = now, push(3).SHA
		if d, err := s.Queue.AcceptPush(t.Context(), told); err != nil || d.Duplicate || d.BuildID == back {
			t.Errorf("told: %+v, %v", d, err)
		}
		if list := buildsOf(t, s); len(list) != 5 {
			t.Errorf("%d builds", len(list))
		}
	})
}

// TestAPollCountsAsAPushOfItsBranch: for the branch's verdict.
func TestAPollCountsAsAPushOfItsBranch(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		first := push(1)
		first.At = time.Now().Add(-time.Hour)
		accept(t, s, first)
		id := acceptPoll(t, s, pollOf(push(2), ""))
		v, err := s.Builds.Verdicts(t.Context(), builds.VerdictQuery{Sight: builds.Sight{All: true}})
		if err != nil || len(v) != 1 || v[0].Push.ID != id {
			t.Errorf("got %+v, %v; want the push of build %d", v, err, id)
		}
	})
}

// TestALookThatFindsARepositoryPrivateHidesItsBuilds as a delivery would.
func TestALookThatFindsARepositoryPrivateHidesItsBuilds(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		accept(t, s, push(1))
		public := builds.Query{Sight: builds.Sight{Public: true}}
		if list, err := s.Builds.List(t.Context(), public); err != nil || len(list) != 1 {
			t.Fatalf("control: %d public builds, %v", len(list), err)
		}
		found := pollOf(push(2), "")
		found.Repo.Private = true
		must(t, s.Polls.Looked(t.Context(), registry.Entry{}, found.Repo))
		if list, err := s.Builds.List(t.Context(), public); err != nil || len(list) != 0 {
			t.Errorf("%d public builds, %v", len(list), err)
		}
	})
}

// TestALookBuildsACommitThatOnlyAForkHas: else a stranger could keep a branch from being built, by a
// pull request for its commit. The control is a new branch at a commit of the base's.
func TestALookBuildsACommitThatOnlyAForkHas(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		_, err := s.Pulls.Accept(t.Context(), queuetest.Stranger(1))
		must(t, err)
		id := acceptPoll(t, s, pollOf(push(1), ""))
		if b, err := s.Builds.Get(t.Context(), id); err != nil || b.Fork || b.Trigger != pipeline.TriggerPoll {
			t.Errorf("a commit of a fork's: build %d: %+v, %v", id, b, err)
		}
		copied := push(1)
		copied.Ref = "refs/heads/copy"
		if again := acceptPoll(t, s, pollOf(copied, "")); again != 0 {
			t.Errorf("control: build %d", again)
		}
	})
}

// TestALookLeavesNoSkippedStatusOverWhatACommitWasBuiltTo: its green would hide a red build.
func TestALookLeavesNoSkippedStatusOverWhatACommitWasBuiltTo(t *testing.T) {
	s := sqliteStore(t)
	accept(t, s, push(1))
	known := pollOf(push(0), "")
	known.Move.Ref = "refs/heads/dev"
	acceptPoll(t, s, known)
	moved := pollOf(push(1), push(0).SHA)
	moved.Move.Ref, moved.Unwanted, moved.Because = "refs/heads/dev", "by its branch", pipeline.CauseFiltered
	if id := acceptPoll(t, s, moved); id != 0 {
		t.Errorf("build %d stands over the other", id)
	}
	fresh := pollOf(push(2), push(1).SHA) // the control: nothing was built of it
	fresh.Move.Ref, fresh.Unwanted, fresh.Because = "refs/heads/dev", "by its branch", pipeline.CauseFiltered
	b, err := s.Builds.Get(t.Context(), acceptPoll(t, s, fresh))
	if err != nil || b.State != pipeline.Skipped {
		t.Errorf("got %+v, %v", b, err)
	}
}
