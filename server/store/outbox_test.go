package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"vivarium/pipeline"
	"vivarium/server/store/database"
	"vivarium/server/store/outbox"
)

// fakePoster is a git host in memory. fault, if set, is asked before each post and may
// return an error; accepted says whether the host takes the status all the same.
type fakePoster struct {
	fault func(n int, st pipeline.CommitStatus) (accepted bool, err error)

	mu       sync.Mutex
	calls    int
	posts    map[string][]pipeline.CommitStatus // by SHA
	order    []string                           // of the states that were accepted, over all commits
	inFlight map[string]int
	overlaps int
}

func newFakePoster() *fakePoster {
	return &fakePoster{posts: map[string][]pipeline.CommitStatus{}, inFlight: map[string]int{}}
}

func (f *fakePoster) Post(ctx context.Context, st pipeline.CommitStatus) error {
	f.mu.Lock()
	f.calls++
	n := f.calls
	f.inFlight[st.SHA]++
	if f.inFlight[st.SHA] > 1 {
		f.overlaps++
	}
	f.mu.Unlock()
	defer locked(&f.mu, func() { f.inFlight[st.SHA]-- })
	accepted, err := true, error(nil)
	if f.fault != nil {
		accepted, err = f.fault(n, st)
	}
	if accepted {
		locked(&f.mu, func() {
			f.posts[st.SHA] = append(f.posts[st.SHA], st)
			f.order = append(f.order, st.State)
		})
	}
	return err
}

func (f *fakePoster) states(sha string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, st := range f.posts[sha] {
		list = append(list, st.State)
	}
	return list
}

func TestStatusesFollowTheBuild(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		poster := newFakePoster()
		go1 := make(chan struct{})
		serve(t, s, Work{
			Reporter: poster, StatusContext: "vivarium",
			TargetURL: func(int64) string { return "https://ci.example/logs/1" },
			Build: func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
				<-go1
				return pipeline.Outcome{
					State:   pipeline.Failed,
					Cause:   pipeline.CauseTests,
					Summary: "1 of 3 tests failed",
				}, nil
			},
		})
		id := accept(t, s, push(1))
		eventually(t, "pending", func() bool { return len(poster.states(push(1).SHA)) == 1 })
		close(go1)
		eventually(t, "failure", func() bool {
			return slices.Equal(poster.states(push(1).SHA), []string{"pending", "failure"})
		})
		want := pipeline.CommitStatus{
			Repo: "octo/hello", SHA: push(1).SHA, Context: "vivarium", State: "failure",
			Description: "1 of 3 tests failed", TargetURL: "https://ci.example/logs/1",
		}
		if got := poster.posts[push(1).SHA][1]; got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		eventually(t, "both recorded as sent", func() bool {
			list, err := s.Outbox.Statuses(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return len(list) == 2 && !list[0].SentAt.IsZero() && !list[1].SentAt.IsZero() &&
				list[1].Context == "vivarium"
		})
	})
}

// TestStatusesKeepTheirOrderThroughFaults: a host that fails, is slow, times out after it accepted
// and limits the rate in turn gets the right last state for every commit, never an end before its
// pending, and one post at a time per commit.
func TestStatusesKeepTheirOrderThroughFaults(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		noLeaks(t)
		s := open()
		poster := newFakePoster()
		poster.fault = func(n int, st pipeline.CommitStatus) (bool, error) {
			switch n % 6 {
			case 0:
				return false, errors.New("connection reset")
			case 1:
				time.Sleep(30 * time.Millisecond)
			case 2:
				return true, &pipeline.RetryError{Unsure: true, Err: errors.New("time-out")}
			case 3:
				at := time.Now().Add(50 * time.Millisecond)
				return false, &pipeline.RetryError{At: at, Err: errors.New("rate limit")}
			}
			return true, nil
		}
		serve(t, s, Work{Workers: 4, Reporter: poster, StatusContext: "vivarium", Build: passing, Pace: quickPace})
		const n = 30
		for i := range n {
			accept(t, s, push(i))
		}
		for i := range n {
			sha := push(i).SHA
			eventually(t, "success for "+sha, func() bool {
				states := poster.states(sha)
				return len(states) > 0 && states[len(states)-1] == "success"
			})
		}
		eventually(t, "an empty outbox", func() bool {
			var left int64
			must(t, s.db.Read(t.Context()).Table("statuses").
				Where("sent_at = 0 AND failed_at = 0 AND NOT superseded").Count(&left).Error)
			return left == 0
		})
		for i := range n {
			// What was accepted without a word is sent again.
			states := slices.Compact(poster.states(push(i).SHA))
			if !slices.Equal(states, []string{"pending", "success"}) && !slices.Equal(states, []string{"success"}) {
				t.Errorf("commit %d got %v", i, states)
			}
		}
		if poster.overlaps > 0 {
			t.Errorf("%d posts overlapped another one for the same commit", poster.overlaps)
		}
	})
}

// TestAStatusThatNothingMendsIsGivenUpInGitHubsWords: 422 to the description and to plain words, or
// a repository that is gone.
func TestAStatusThatNothingMendsIsGivenUpInGitHubsWords(t *testing.T) {
	for code, posts := range map[int]int{422: 2, 410: 1} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			s := sqliteStore(t)
			poster := newFakePoster()
			poster.fault = func(int, pipeline.CommitStatus) (bool, error) {
				return false, &pipeline.RefusedError{Code: code, Message: "No, thank you"}
			}
			serve(t, s, Work{Reporter: poster, StatusContext: "vivarium", Build: onceTried(s)})
			id := accept(t, s, push(1))
			eventually(t, "both given up", func() bool {
				list, err := s.Outbox.Statuses(t.Context(), id)
				return err == nil && len(list) == 2 && list[0].Undelivered && list[1].Undelivered
			})
			u, err := s.Outbox.Undelivered(t.Context())
			want := fmt.Sprintf("GitHub answered %d: No, thank you", code)
			if err != nil || u == nil || u.BuildID != id || u.LastError != want {
				t.Errorf("got %+v, %v, want %s", u, err, want)
			}
			if poster.calls != 2*posts {
				t.Errorf("posted %d times, want each state %d times", poster.calls, posts)
			}
		})
	}
}

// onceTried is a Build function that passes when the build's first status has been tried: an end
// that is known would else be sent in its place.
func onceTried(s *Store) func(context.Context, pipeline.Build, pipeline.Recorder) (pipeline.Outcome, error) {
	return onceFirst(s, func(st outbox.Status) bool { return st.Attempts > 0 })
}

func TestSlowHostDoesNotHoldUpBuilds(t *testing.T) {
	s := sqliteStore(t)
	poster := newFakePoster()
	block := make(chan struct{})
	poster.fault = func(int, pipeline.CommitStatus) (bool, error) { <-block; return true, nil }
	serve(t, s, Work{Workers: 2, Reporter: poster, StatusContext: "vivarium", Build: passing})
	t.Cleanup(func() { close(block) })
	for i := range 12 {
		accept(t, s, push(i))
	}
	for i := range 12 {
		waitState(t, s, int64(i+1), pipeline.Passed)
	}
}

func TestStatusesWaitForAServerWithAPoster(t *testing.T) {
	s := sqliteStore(t)
	stop := serve(t, s, Work{Build: passing})
	id := accept(t, s, push(1))
	waitState(t, s, id, pipeline.Passed)
	stop()
	poster := newFakePoster()
	serve(t, s, Work{Reporter: poster, StatusContext: "vivarium", Build: passing})
	eventually(t, "the end sent", func() bool {
		states := poster.states(push(1).SHA)
		return len(states) > 0 && states[len(states)-1] == "success"
	})
}

// onceFirst is a Build function that passes when something holds of the build's first status.
func onceFirst(
	s *Store,
	holds func(outbox.Status) bool,
) func(context.Context, pipeline.Build, pipeline.Recorder) (pipeline.Outcome, error) {
	return func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
		for {
			list, err := s.Outbox.Statuses(ctx, b.ID)
			if err != nil {
				return pipeline.Outcome{}, err
			}
			if len(list) > 0 && holds(list[0]) {
				return passing(ctx, b, rec)
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
}

// TestStatusOfABuildThatEndedIsSentByTheNextServer: the end of a build and its status are one
// transaction, so that a server that dies right after it leaves the status to the next one.
func TestStatusOfABuildThatEndedIsSentByTheNextServer(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		id := accept(t, s, push(1))
		stop := serve(t, s, Work{Build: func(context.Context, pipeline.Build, pipeline.Recorder) (pipeline.Outcome, error) {
			return pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseTests}, nil
		}})
		waitState(t, s, id, pipeline.Failed)
		stop()
		must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error { // it had fetched the jobs, and no more
			return tx.Exec("UPDATE river_job SET state = ?, attempt = 1, attempted_at = ? WHERE kind = 'status'",
				rivertype.JobStateRunning, time.Now().UTC().Add(-2*time.Minute-time.Second)).Error
		}))
		poster := newFakePoster()
		serve(t, s, Work{Reporter: poster, StatusContext: "vivarium", Build: passing})
		eventually(t, "the final status", func() bool { return slices.Contains(poster.states(push(1).SHA), "failure") })
		if got, err := s.Builds.Get(t.Context(), id); err != nil || got.Attempt != 1 {
			t.Errorf("got attempt %d, %v; want the one that ended", got.Attempt, err)
		}
	})
}

func TestLastStatusOfEachRepository(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		for i, repo := range []string{"a/a", "a/a", "b/b", "c/c"} {
			accept(t, s, pushOf(i, repo, "main"))
		}
		set := func(build int64, values string, text string) {
			must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error {
				return tx.Exec("UPDATE statuses SET "+values+", last_error = ?, state = ? WHERE build_id = ?",
					text, text, build).Error
			}))
		}
		set(1, "sent_at = 100, tried_at = 100", "old")
		set(2, "sent_at = 200, tried_at = 200", "new")
		set(3, "failed_at = 300, tried_at = 300", "refused")
		set(4, "code = 401, tried_at = 400", "still waits")
		got, err := s.Outbox.Last(t.Context())
		must(t, err)
		if a := got["a/a"]; a.State != "new" || a.SentAt.UnixMicro() != 200 || a.Refusal != "" {
			t.Errorf("a/a: got %+v", a)
		}
		if b := got["b/b"]; !b.SentAt.IsZero() || b.Refusal != "refused" || len(got) != 3 {
			t.Errorf("b/b: got %+v of %d", b, len(got))
		}
		if c := got["c/c"]; c.Code != 401 || c.Refusal != "still waits" {
			t.Errorf("c/c: got %+v", c)
		}
	})
}
