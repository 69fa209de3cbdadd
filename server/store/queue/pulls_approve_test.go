package queue_test

import (
	"errors"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
	"vivarium/server/store/pulls"
)

// waitingStranger makes a fork's build that waits for an approval.
func waitingStranger(t *testing.T, s *Store, n int) int64 {
	t.Helper()
	a := acceptPull(t, s, stranger(n))
	b, err := s.Builds.Get(t.Context(), a.BuildID)
	if err != nil || !a.Unapproved || b.State != pipeline.Unapproved || !b.Fork {
		t.Fatalf("got %+v, %+v, %v; want a build that waits for an approval", a, b, err)
	}
	return b.ID
}

// TestAForkIsNotBuiltBeforeItIsApproved: not by a claim, not after a scan, not by a server that starts,
// not by being delivered again and not by a rerun. As the control, it is once it is approved.
func TestAForkIsNotBuiltBeforeItIsApproved(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		id := waitingStranger(t, s, 1)
		never := func(after string) {
			t.Helper()
			if b, ok, err := s.ClaimNow(t.Context()); err != nil || ok {
				t.Fatalf("after %s: claimed %+v, %v", after, b, err)
			}
		}
		never("the delivery")
		must(t, s.Scan(t.Context(), true))
		never("a scan")
		acceptPull(t, s, stranger(1))
		never("the same delivery again")
		again := stranger(1)
		again.GUID, again.BodyHash = "another", "another"
		acceptPull(t, s, again)
		never("another delivery")
		rerun, err := s.Rerun(t.Context(), byTest, id)
		must(t, err)
		never("a rerun")
		must(t, s.Cancel(t.Context(), byTest, rerun))
		rerun, err = s.Rerun(t.Context(), byTest, rerun)
		must(t, err)
		never("a rerun of one that was canceled")
		must(t, s.Pulls.Approve(t.Context(), byTest, id, stranger(1).SHA))
		if b, ok, err := s.ClaimNow(t.Context()); err != nil || !ok || b.ID != id {
			t.Errorf("control: once approved, claimed %+v, %v, %v; want build %d", b, ok, err, id)
		}
		never("the approval of another build, which is") // rerun
		if b, err := s.Builds.Get(t.Context(), rerun); err != nil || b.State != pipeline.Unapproved {
			t.Errorf("the rerun is %+v, %v", b, err)
		}
	})
}

// TestAnApprovalIsOfOneCommit: a push after it asks again, and an approval of another commit or of what
// needs none is refused. The audit says who approved what.
func TestAnApprovalIsOfOneCommit(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		first := waitingStranger(t, s, 1)
		second := waitingStranger(t, s, 2) // a push to the same pull request
		if b, err := s.Builds.Get(t.Context(), first); err != nil || b.State != pipeline.Canceled ||
			!strings.Contains(b.Summary, "#12") {
			t.Errorf("the earlier commit: %+v, %v; want it superseded", b, err)
		}
		for name, c := range map[string]struct {
			id   int64
			sha  string
			want error
		}{
			"the earlier build":           {first, stranger(1).SHA, pulls.ErrNoApproval},
			"the earlier commit":          {second, stranger(1).SHA, pulls.ErrOtherCommit},
			"no commit":                   {second, "", pulls.ErrOtherCommit},
			"a build that does not exist": {99, stranger(1).SHA, database.ErrNotFound},
		} {
			if err := s.Pulls.Approve(t.Context(), byTest, c.id, c.sha); !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", name, err, c.want)
			}
		}
		if _, ok, err := s.ClaimNow(t.Context()); ok || err != nil {
			t.Errorf("something was claimed, %v", err)
		}
		must(t, s.Pulls.Approve(t.Context(), people.Actor{Who: "mona"}, second, stranger(2).SHA))
		if err := s.Pulls.Approve(t.Context(), byTest, second, stranger(2).SHA); !errors.Is(err, pulls.ErrNoApproval) {
			t.Errorf("twice: %v", err)
		}
		audit, err := s.People.Audit(t.Context(), 1)
		if err != nil || audit[0].Who != "mona" || !strings.Contains(audit[0].What, stranger(2).SHA) {
			t.Errorf("audit %+v, %v", audit, err)
		}
		waitingStranger(t, s, 3) // a push after the approval asks again, and ends no build that was approved
		if b, err := s.Builds.Get(t.Context(), second); err != nil || b.State != pipeline.Queued {
			t.Errorf("what was approved: %+v, %v", b, err)
		}
	})
}

func TestAClosedPullRequestWaitsForNoApproval(t *testing.T) {
	s := sqliteStore(t)
	id := waitingStranger(t, s, 1)
	other := stranger(2)
	other.Number = 13
	kept := acceptPull(t, s, other).BuildID
	if n, err := s.Pulls.Close(t.Context(), "Octo/Hello", 12); err != nil || n != 1 {
		t.Fatalf("ended %d, %v", n, err)
	}
	for id, want := range map[int64]pipeline.State{id: pipeline.Canceled, kept: pipeline.Unapproved} {
		if b, err := s.Builds.Get(t.Context(), id); err != nil || b.State != want {
			t.Errorf("build %d: %+v, %v; want %s", id, b, err, want)
		}
	}
	if err := s.Pulls.Approve(t.Context(), byTest, id, stranger(1).SHA); !errors.Is(err, pulls.ErrNoApproval) {
		t.Errorf("approved: %v", err)
	}
	waiting, err := s.Pulls.Waiting(t.Context(), "octo/hello", 13)
	if err != nil || waiting.ID != kept {
		t.Errorf("what waits of #13: %+v, %v", waiting, err)
	}
	if _, err := s.Pulls.Waiting(t.Context(), "octo/hello", 12); !errors.Is(err, database.ErrNotFound) {
		t.Errorf("what waits of #12: %v", err)
	}
	waitingStranger(t, s, 4) // opened again with another commit
}

// TestAForksCommitIsNoneOfTheBase: a push of it is built as every push, whatever became of the fork's
// build, and a fork's pull request of a commit of the base's adds a name and nothing else.
func TestAForksCommitIsNoneOfTheBase(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		fork := waitingStranger(t, s, 1)
		must(t, s.Pulls.Approve(t.Context(), byTest, fork, stranger(1).SHA))
		endAs(t, s, fork, pipeline.Passed)
		bare := push(1)
		bare.Bare = true
		a, err := s.AcceptPush(t.Context(), bare)
		if b, _ := s.Builds.Get(t.Context(), a.BuildID); err != nil || a.Shared || a.Skipped || b.Fork || b.ID == fork {
			t.Errorf("the push: %+v, %+v, %v; want a build of its own", a, b, err)
		}
		own := accept(t, s, push(2))
		other := stranger(2)
		other.Number = 13
		shared := acceptPull(t, s, other)
		b, err := s.Builds.Get(t.Context(), own)
		if err != nil || shared.BuildID != own || !shared.Shared || b.Pull != 13 || b.Fork || b.State != pipeline.Queued ||
			b.Trigger != pipeline.TriggerPush {
			t.Errorf("the fork's: %+v, %+v, %v; want build %d with one more name", shared, b, err, own)
		}
		another := stranger(2)
		another.Number, another.GUID, another.BodyHash = 14, "another", "another"
		acceptPull(t, s, another)
		if b, err := s.Builds.Get(t.Context(), own); err != nil || b.Pull != 13 {
			t.Errorf("a second fork's: %+v, %v; want the name as it was", b, err)
		}
	})
}

// TestForksAreBuiltAfterTheBasesOwn: also one that came before.
func TestForksAreBuiltAfterTheBasesOwn(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		free := stranger(1)
		free.Approved = true
		fork := acceptPull(t, s, free).BuildID
		var want []int64
		for n := range 3 {
			want = append(want, accept(t, s, push(n+2)))
		}
		want = append(want, fork)
		for place, id := range want {
			b, err := s.Builds.Get(t.Context(), id)
			must(t, err)
			if got, err := s.Place(t.Context(), b); err != nil || got != place+1 {
				t.Errorf("build %d has place %d, %v; want %d", id, got, err, place+1)
			}
		}
		for _, id := range want {
			if b, ok, err := s.ClaimNow(t.Context()); err != nil || !ok || b.ID != id {
				t.Errorf("claimed %+v, %v, %v; want build %d", b, ok, err, id)
			}
		}
	})
}

// TestStrangersDoNotFillUpTheQueue: what waits for an approval has no place in it, and there is a bound.
func TestStrangersDoNotFillUpTheQueue(t *testing.T) {
	s := sqliteStore(t)
	s.LimitTo(2)
	accept(t, s, push(1))
	var last Accepted
	for n := range pulls.MostUnapproved + 1 {
		p := stranger(n + 10)
		p.Number = int64(n + 100)
		last = acceptPull(t, s, p)
	}
	if last.OverQuota == "" || last.Unapproved {
		t.Errorf("the last got %+v, want it refused", last)
	}
	if a, err := s.AcceptPush(t.Context(), push(2)); err != nil || a.OverQuota != "" {
		t.Errorf("the base's own: %+v, %v", a, err)
	}
	// The control: the queue is full now.
	if a, err := s.AcceptPush(t.Context(), push(3)); err != nil || a.OverQuota == "" {
		t.Errorf("one over the limit: %+v, %v", a, err)
	}
}
