package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/database"
	"vivarium/server/store/outbox"
)

var badCredentials = &pipeline.RefusedError{Code: 401, Message: "Bad credentials"}

// quickPace is the usual one, some twenty times faster.
var quickPace = outbox.Pace{
	FirstTrouble: 20 * time.Millisecond, LongestTrouble: 5 * time.Second,
	FirstRefusal: 2 * time.Second, LongestRefusal: time.Hour,
	FirstProbe: 250 * time.Millisecond, SteadyProbe: 2 * time.Second, LongestProbe: 30 * time.Second,
	Late: 500 * time.Millisecond, Yield: 50 * time.Millisecond, Look: 20 * time.Millisecond,
}

// TestTokenRevokedAmidTenBuildsCostsNoFinalStatus: while GitHub answers 401 next to nothing is
// asked, the builds say why their status is missing, and once the token works again every end is
// there after at most a pause.
func TestTokenRevokedAmidTenBuildsCostsNoFinalStatus(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		poster := newFakePoster()
		var revoked atomic.Bool
		var refused atomic.Int32
		poster.fault = func(int, pipeline.CommitStatus) (bool, error) {
			if revoked.Load() {
				refused.Add(1)
				return false, badCredentials
			}
			return true, nil
		}
		end := make(chan struct{})
		serve(t, s, Work{Workers: 10, Reporter: poster, StatusContext: "vivarium", Pace: quickPace,
			Build: func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
				<-end
				return passing(ctx, b, rec)
			}})
		for i := range 5 {
			accept(t, s, push(i))
		}
		eventually(t, "five pendings", func() bool { return len(poster.states(push(4).SHA)) == 1 })
		revoked.Store(true)
		for i := range 5 {
			accept(t, s, push(5+i))
		}
		close(end)
		for i := range 10 {
			waitState(t, s, int64(i+1), pipeline.Passed)
		}
		eventually(t, "eight refusals", func() bool { return refused.Load() >= 8 })
		for i := range 10 {
			list, err := s.Outbox.Statuses(t.Context(), int64(i+1))
			must(t, err)
			d := outbox.Undelivered(list)
			if d == nil || d.Code != 401 || d.GivenUp ||
				!strings.Contains(d.Text(s.db.Now()), "GitHub answered 401: Bad credentials") {
				t.Errorf("build %d says %+v", i+1, d)
			}
		}
		if u, err := s.Outbox.Undelivered(t.Context()); err != nil || u == nil || u.Code != 401 || u.Undelivered {
			t.Errorf("the outbox says %+v, %v", u, err)
		}
		if n := refused.Load(); n > 12 { // four that were under way together, and the probes
			t.Errorf("the dead token was tried %d times", n)
		}
		revoked.Store(false)
		back := time.Now()
		for i := range 10 {
			eventually(t, "every end", func() bool { return slices.Contains(poster.states(push(i).SHA), "success") })
		}
		if took := time.Since(back); took > 20*time.Second {
			t.Errorf("the ends were there %s after the token's return", took)
		}
	})
}

// TestAChangedTokenHasWhatWasRefusedSentAtOnce: however long the pauses, and a 403 that a token of
// more rights mends, too.
func TestAChangedTokenHasWhatWasRefusedSentAtOnce(t *testing.T) {
	for name, refusal := range map[string]*pipeline.RefusedError{
		"dead": badCredentials,
		"without the permission": {
			Code:    403,
			Message: "Resource not accessible by personal access token",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := sqliteStore(t)
			slow := quickPace
			slow.FirstProbe, slow.SteadyProbe, slow.LongestProbe = time.Hour, time.Hour, time.Hour
			slow.FirstRefusal = time.Hour
			poster := newFakePoster()
			var renewed atomic.Bool
			poster.fault = func(int, pipeline.CommitStatus) (bool, error) {
				if renewed.Load() {
					return true, nil
				}
				return false, refusal
			}
			credential := func() string {
				if renewed.Load() {
					return "new"
				}
				return "old"
			}
			serve(t, s, Work{
				Reporter:      poster,
				StatusContext: "vivarium",
				Pace:          slow,
				Build:         onceTried(s),
				Credential:    credential,
			})
			id := accept(t, s, push(1))
			waitState(t, s, id, pipeline.Passed)
			eventually(t, "the end is kept back", func() bool {
				list, err := s.Outbox.Statuses(t.Context(), id)
				d := outbox.Undelivered(list)
				return err == nil && len(list) == 2 && d != nil && d.NextTry.After(s.db.Now().Add(time.Minute))
			})
			if got := poster.states(push(1).SHA); len(got) > 0 {
				t.Fatalf("control: %v was taken", got)
			}
			renewed.Store(true)
			eventually(t, "the end", func() bool {
				return slices.Equal(poster.states(push(1).SHA), []string{"success"})
			})
		})
	}
}

// TestRefusedStatusesHaveAnotherChanceAtTheStart: those that wait, and those of the last day that
// an older version gave up at the first refusal.
func TestRefusedStatusesHaveAnotherChanceAtTheStart(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		stop := serve(t, s, Work{Build: passing})
		for i := range 3 {
			waitState(t, s, accept(t, s, push(i)), pipeline.Passed)
		}
		stop()
		now := s.db.Now()
		must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error {
			return errors.Join(
				tx.Exec(`UPDATE statuses SET attempts = 1, code = 401,
					last_error = 'status refused (HTTP 401): Bad credentials'`).Error,
				tx.Exec("UPDATE status_targets SET not_before = ?", database.Micros(now.Add(time.Hour))).Error,
				tx.Exec("UPDATE statuses SET failed_at = ? WHERE build_id > 1", database.Micros(now)).Error,
				tx.Exec("UPDATE statuses SET queued_at = ? WHERE build_id = 3",
					database.Micros(now.Add(-25*time.Hour))).Error,
			)
		}))
		poster := newFakePoster()
		serve(t, s, Work{Reporter: poster, StatusContext: "vivarium", Build: passing})
		for i, what := range []string{"the one that waits", "the one that was given up"} {
			eventually(t, what, func() bool { return slices.Equal(poster.states(push(i).SHA), []string{"success"}) })
		}
		if got := poster.states(push(2).SHA); len(got) > 0 {
			t.Errorf("what was given up more than a day ago is sent: %v", got)
		}
	})
}

// TestNoOlderStateStandsAfterANewerOne: a pending whose post timed out takes effect after the end
// was accepted. The end is posted once more when that can no longer happen.
func TestNoOlderStateStandsAfterANewerOne(t *testing.T) {
	s := sqliteStore(t)
	poster := newFakePoster()
	arrived := make(chan struct{})
	patient := quickPace
	patient.Late = 5 * time.Second // in which the end is accepted also where the machine is busy
	poster.fault = func(n int, st pipeline.CommitStatus) (bool, error) {
		switch n {
		case 1:
			return false, &pipeline.RetryError{Unsure: true, Err: errors.New("time-out")}
		case 2:
			if st.State != "success" {
				t.Errorf("%s was posted, want the end, which is known", st.State)
			}
			go func() { // after the end was accepted
				defer close(arrived)
				eventually(t, "the end", func() bool { return len(poster.states(st.SHA)) == 1 })
				late := st
				late.State = "pending"
				locked(&poster.mu, func() { poster.posts[st.SHA] = append(poster.posts[st.SHA], late) })
			}()
		case 3:
			<-arrived
		}
		return true, nil
	}
	serve(t, s, Work{Reporter: poster, StatusContext: "vivarium", Pace: patient, Build: onceTried(s)})
	accept(t, s, push(1))
	eventually(t, "the end once more", func() bool {
		return slices.Equal(poster.states(push(1).SHA), []string{"success", "pending", "success"})
	})
	<-arrived
	eventually(t, "no doubt left", func() bool {
		var doubts int64
		must(t, s.db.Read(t.Context()).Table("status_targets").
			Where("late_until > 0 OR claim <> ''").Count(&doubts).Error)
		return doubts == 0
	})
}

// TestAHostThatFailsTwoOfThreePostsGetsEveryEndSoon: the same status is simply sent again, at the
// usual pace. Two of three fail for each commit: where it is two of three of all, a status now and
// then meets the failing ones ten times in a row.
func TestAHostThatFailsTwoOfThreePostsGetsEveryEndSoon(t *testing.T) {
	s := sqliteStore(t)
	poster := newFakePoster()
	var mu sync.Mutex
	posts := map[string]int{}
	poster.fault = func(_ int, st pipeline.CommitStatus) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		if posts[st.SHA]++; posts[st.SHA]%3 != 0 {
			return false, &pipeline.RetryError{Unsure: true, Err: errors.New("GitHub answered 502: Server Error")}
		}
		return true, nil
	}
	serve(t, s, Work{Reporter: poster, StatusContext: "vivarium", Build: passing})
	for i := range 8 {
		accept(t, s, push(i))
	}
	for i := range 8 {
		eventually(t, "every end", func() bool { return slices.Contains(poster.states(push(i).SHA), "success") })
	}
}

// TestEndsGoBeforeBeginningsAfterALimit: GitHub takes 500 statuses an hour, and it is the ends that
// people wait for.
func TestEndsGoBeforeBeginningsAfterALimit(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		poster := newFakePoster()
		var until atomic.Int64
		until.Store(1)
		poster.fault = func(int, pipeline.CommitStatus) (bool, error) {
			until.CompareAndSwap(1, time.Now().Add(4*time.Second).UnixNano())
			if at := time.Unix(0, until.Load()); time.Now().Before(at) {
				return false, &pipeline.RetryError{At: at, Err: errors.New("limit")}
			}
			return true, nil
		}
		end := make(chan struct{})
		defer close(end)
		const ended, running = 12, 8
		serve(t, s, Work{Workers: ended + running, Reporter: poster, StatusContext: "vivarium", Pace: quickPace,
			Build: func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
				if b.ID > running {
					return passing(ctx, b, rec)
				}
				select {
				case <-end:
				case <-ctx.Done():
				}
				return passing(ctx, b, rec)
			}})
		for i := range running + ended {
			accept(t, s, push(i))
		}
		eventually(t, "every status", func() bool { return len(poster.all()) >= running+ended })
		all := poster.all()
		// Four are sent side by side.
		if first := slices.Index(all, "pending"); first < ended-4 {
			t.Errorf("sent in the order %v", all)
		}
	})
}

// all are the states that were accepted, in their order.
func (f *fakePoster) all() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.order)
}

// TestARefusedDescriptionIsSentInPlainWords: the verdict matters more than its wording.
func TestARefusedDescriptionIsSentInPlainWords(t *testing.T) {
	s := sqliteStore(t)
	poster := newFakePoster()
	poster.fault = func(_ int, st pipeline.CommitStatus) (bool, error) {
		if strings.Contains(st.Description, "kaboom") {
			return false, &pipeline.RefusedError{Code: 422, Message: "Validation Failed"}
		}
		return true, nil
	}
	serve(t, s, Work{Reporter: poster, StatusContext: "vivarium",
		Build: func(context.Context, pipeline.Build, pipeline.Recorder) (pipeline.Outcome, error) {
			return pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseInstall, Summary: "kaboom"}, nil
		}})
	accept(t, s, push(1))
	eventually(t, "the verdict", func() bool { return slices.Contains(poster.states(push(1).SHA), "failure") })
	last := poster.posts[push(1).SHA][len(poster.posts[push(1).SHA])-1]
	if last.Description != "failed: install" {
		t.Errorf("sent as %q", last.Description)
	}
}
