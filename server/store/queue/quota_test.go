package queue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
	"vivarium/server/store/queue"
	"vivarium/server/store/queue/patience"
)

// clockOf lets a test move a store's time, which begins at noon.
func clockOf(s *Store) (forward func(time.Duration)) {
	now := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	s.Database.Now = func() time.Time { return now }
	return func(d time.Duration) { now = now.Add(d) }
}

func acceptAny(t *testing.T, s *Store, p Push) Accepted {
	t.Helper()
	a, err := s.AcceptPush(t.Context(), p)
	must(t, err)
	return a
}

// runFor claims the next build, and ends it after a time.
func runFor(t *testing.T, s *Store, forward func(time.Duration), d time.Duration) int64 {
	t.Helper()
	b, ok, err := s.Claim(t.Context(), 0, "me")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	forward(d)
	must(t, s.Finish(t.Context(), b, pipeline.Outcome{State: pipeline.Passed}))
	return b.ID
}

func TestPushOverItsMinutesEndsAtOnceAndSaysSo(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		forward := clockOf(s)
		group := letIn(t, s, registry.Pattern, "school/group-*", registry.Limits{Minutes: 10})
		for i := range 2 {
			if a := acceptAny(t, s,
				via(pushOf(i, fmt.Sprintf("school/group-%d", i), "main"), group)); a.OverQuota != "" {
				t.Fatalf("within the quota: %s", a.OverQuota)
			}
			runFor(t, s, forward, 5*time.Minute)
		}
		p := via(pushOf(10, "school/group-3", "main"), group)
		a := acceptAny(t, s, p)
		const want = "over quota: 10 of 10 build minutes used today; builds again at 00:00 UTC"
		if a.OverQuota != want || a.BuildID == 0 {
			t.Errorf("got %+v, want a build, and %q", a, want)
		}
		b, err := s.Builds.Get(t.Context(), a.BuildID)
		if err != nil || b.State != pipeline.Canceled || b.Cause != pipeline.CauseQuota || b.Summary != want ||
			b.EndedAt.IsZero() {
			t.Errorf("the build: got %+v, %v", b, err)
		}
		statuses, err := s.Outbox.Statuses(t.Context(), a.BuildID)
		if err != nil || len(statuses) != 1 || statuses[0].State != "error" || statuses[0].Description != want {
			t.Errorf("its statuses: got %+v, %v; want one that says why", statuses, err)
		}
		if again := acceptAny(t, s, p); !again.Duplicate || again.BuildID != a.BuildID {
			t.Errorf("the same delivery again: got %+v, want the same build", again)
		}
		_, err = s.Rerun(t.Context(), byTest, a.BuildID)
		if over, ok := errors.AsType[*queue.QuotaError](err); !ok || over.Why != want {
			t.Errorf("a rerun: got %v, want a QuotaError", err)
		}
		if other := acceptAny(t, s, pushOf(11, "other/free", "main")); other.OverQuota != "" {
			t.Errorf("another repository: %s", other.OverQuota)
		}
		runFor(t, s, forward, time.Minute)
		forward(12 * time.Hour)
		if next := acceptAny(t, s, via(pushOf(12, "school/group-3", "main"), group)); next.OverQuota != "" {
			t.Errorf("the next day: %s", next.OverQuota)
		}
		if id := runFor(t, s, forward, time.Minute); id <= a.BuildID {
			t.Errorf("build %d ran, which was over its quota", id)
		}
	})
}

func TestBuildsThatWaitedUntilTheyWereOverQuotaAreEnded(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		forward := clockOf(s)
		single := letIn(t, s, registry.Repository, "octo/hello", registry.Limits{Minutes: 10})
		for i := range 4 {
			accept(t, s, via(pushOf(i, "octo/hello", "main"), single))
		}
		runFor(t, s, forward, 9*time.Minute)
		b, ok, err := s.Claim(t.Context(), 0, "me")
		if err != nil || !ok || b.Repo != "octo/hello" {
			t.Fatalf("within the quota: %v, %v", b, err)
		}
		forward(time.Minute) // what runs counts
		other := accept(t, s, pushOf(9, "other/free", "main"))
		if _, ids := order(t, s); len(ids) != 1 || ids[0] != other {
			t.Errorf("started %v, want %d alone", ids, other)
		}
		over, err := s.Builds.List(t.Context(),
			builds.Query{Sight: builds.Sight{All: true}, Repo: "octo/hello", State: pipeline.Canceled})
		if err != nil || len(over) != 2 || over[0].Cause != pipeline.CauseQuota {
			t.Errorf("over the quota: %+v, %v; want two builds that say so", over, err)
		}
		must(t, s.Finish(t.Context(), b, pipeline.Outcome{State: pipeline.Passed}))
		if got := waitState(t, s, b.ID, pipeline.Passed); got.Cause != "" {
			t.Errorf("what ran was cut off: %+v", got)
		}
	})
}

func TestQueueQuotaBoundsAFlood(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		group := letIn(t, s, registry.Pattern, "school/group-*", registry.Limits{Queue: 5})
		refused := 0
		for i := range 60 {
			if a := acceptAny(t, s, via(pushOf(i, "school/group-1", "main"), group)); a.OverQuota != "" {
				refused++
				if !strings.HasPrefix(a.OverQuota, "over quota: 5 of 5 builds wait") {
					t.Fatal(a.OverQuota)
				}
			}
		}
		if waiting, err := s.Builds.Waiting(t.Context()); err != nil || waiting != 5 || refused != 55 {
			t.Errorf("%d wait, %d were refused, %v; want 5 and 55", waiting, refused, err)
		}
		for i, want := range []bool{false, true} {
			a := acceptAny(t, s, via(pushOf(100+i, "school/group-2", "main"), group))
			if over := a.OverQuota != ""; over != want {
				t.Errorf("push %d of another repository of the pattern: over its quota is %v, want %v", i+1, over, want)
			}
		}
		if a := acceptAny(t, s, pushOf(200, "other/free", "main")); a.OverQuota != "" {
			t.Errorf("another repository: %s", a.OverQuota)
		}
		used, err := s.Used(t.Context(), entryOf(t, s, "school/group-*"))
		if err != nil || used.Waiting != 6 {
			t.Errorf("used: got %+v, %v; want 6 that wait", used, err)
		}
	})
}

func TestQueueLimitBoundsAFloodAndSilencesNobodyElse(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		s.LimitTo(10)
		refused := 0
		for i := range 50 {
			if a := acceptAny(t, s, pushOf(i, "flood/repo", "main")); a.OverQuota != "" {
				refused++
			}
		}
		if waiting, err := s.Builds.Waiting(t.Context()); err != nil || waiting != 10 || refused != 40 {
			t.Errorf("%d wait, %d were refused, %v; want 10 and 40", waiting, refused, err)
		}
		for i, want := range []string{"", "over quota: 11 of 10 builds wait; push again when fewer do"} {
			if a := acceptAny(t, s, pushOf(100+i, "quiet/repo", "main")); a.OverQuota != want {
				t.Errorf("push %d of another repository: got %q, want %q", i+1, a.OverQuota, want)
			}
		}
		if repos, _ := order(t, s); len(repos) != 11 {
			t.Errorf("started %v, want all 11 that were queued", repos)
		}
		if a := acceptAny(t, s, pushOf(200, "flood/repo", "main")); a.OverQuota != "" {
			t.Errorf("once none waits: %s", a.OverQuota)
		}
	})
}

func TestLogQuotaCountsWhatIsStored(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		single := letIn(t, s, registry.Repository, "octo/hello", registry.Limits{LogBytes: 1 << 30})
		serve(t, s, Work{Build: passing})
		waitState(t, s, accept(t, s, via(push(1), single)), pipeline.Passed)
		var used registry.Use
		eventually(t, "the log's size", func() bool {
			var err error
			used, err = s.Used(t.Context(), entryOf(t, s, "octo/hello"))
			must(t, err)
			return used.LogBytes > 0
		})
		if a := acceptAny(t, s, via(push(2), single)); a.OverQuota != "" {
			t.Errorf("within the quota: %s", a.OverQuota)
		}
		_, err := s.Entries.Limit(t.Context(), people.Actor{}, "octo/hello",
			func(l *registry.Limits) { l.LogBytes = used.LogBytes })
		must(t, err)
		if a := acceptAny(t, s, via(push(3), single)); !strings.Contains(a.OverQuota, "of log stored") {
			t.Errorf("at the quota: got %q", a.OverQuota)
		}
	})
}

func TestLostAttemptIsNotChargedToItsRepository(t *testing.T) {
	s := sqliteStore(t)
	forward := clockOf(s)
	single := letIn(t, s, registry.Repository, "octo/hello", registry.Limits{Minutes: 10})
	accept(t, s, via(push(1), single))
	if _, ok, err := s.Claim(t.Context(), 0, "dead"); err != nil || !ok {
		t.Fatal(ok, err)
	}
	forward(time.Hour)
	serve(t, s, Work{Build: passing})
	waitState(t, s, 1, pipeline.Passed)
	if a := acceptAny(t, s, via(push(2), single)); a.OverQuota != "" {
		t.Errorf("after an attempt that was lost for an hour: %s", a.OverQuota)
	}
}

// TestAttemptsThatTheIndexEndsAreCharged: a setup.py may compute for as long as it likes before it
// leaves one request in trouble. What the git host ends has run nothing of the repository's.
func TestAttemptsThatTheIndexEndsAreCharged(t *testing.T) {
	for cause, want := range map[pipeline.Cause]time.Duration{
		pipeline.CauseIndex: 14*time.Minute + 3*time.Minute, pipeline.CauseClone: 3 * time.Minute,
	} {
		t.Run(string(cause), func(t *testing.T) {
			everyDatabase(t, func(t *testing.T, open func() *Store) {
				s := open()
				forward := clockOf(s)
				single := letIn(t, s, registry.Repository, "octo/hello", registry.Limits{Minutes: 100})
				accept(t, s, via(push(1), single))
				used := func(when string, want time.Duration) {
					t.Helper()
					if u, err := s.Used(t.Context(), single); err != nil || u.Spent != want {
						t.Errorf("%s: %s used, %v; want %s", when, u.Spent, err, want)
					}
				}
				met(t, s, forward, cause, 14*time.Minute)
				used("while it waits", want-3*time.Minute)
				must(t, s.Heal(t.Context(), cause))
				forward(patience.Longest)
				b, ok, err := s.Claim(t.Context(), 0, "me")
				if err != nil || !ok {
					t.Fatal(ok, err)
				}
				forward(3 * time.Minute)
				used("while it runs", want)
				must(t, s.Finish(t.Context(), b, pipeline.Outcome{State: pipeline.Failed}))
				used("in the end", want)
			})
		})
	}
}

// met claims the next build, and has trouble outside end it after a time.
func met(t *testing.T, s *Store, forward func(time.Duration), cause pipeline.Cause, after time.Duration) {
	t.Helper()
	b, ok, err := s.Claim(t.Context(), 0, "me")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	forward(after)
	o := pipeline.Outcome{State: pipeline.Errored, Cause: cause, Summary: "it does not answer", Heals: true}
	must(t, s.Database.Transact(t.Context(), func(tx *database.Tx) error {
		return s.Requeue(t.Context(), tx, &b, queue.Loss{Why: "was ended", Clean: true, Waits: &o})
	}))
}
