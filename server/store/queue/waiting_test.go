package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/queue"
	"vivarium/server/store/queue/patience"

	"gorm.io/gorm"
)

// TestPatienceEndsWhereTheProbeAnswers: what the host is asked by all works, and this build's own
// fetch fails within a second.
func TestPatienceEndsWhereTheProbeAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		queued time.Duration // how long the queue alone keeps the build from its second try
		most   time.Duration // until its end, at the latest: a try, a pause and a try
	}{
		"and the queue is short": {0, time.Hour + 3*patience.Longest},
		"after a long queue":     {2 * time.Hour, 3*time.Hour + 3*patience.Longest},
	} {
		t.Run(name, func(t *testing.T) {
			everyDatabase(t, func(t *testing.T, open func() *Store) {
				s := open()
				forward := clockOf(s)
				s.Tell(queue.Work{Probe: func(context.Context, pipeline.Cause) error { return nil }})
				id, began := accept(t, s, push(1)), s.Database.Now()
				o := pipeline.Outcome{State: pipeline.Errored, Cause: pipeline.CauseClone, Summary: "broken off",
					Heals: true}
				for try := 1; ; try++ {
					b, ok, err := s.Claim(t.Context(), 0, "me")
					if err != nil || !ok {
						t.Fatal(ok, err)
					}
					forward(time.Second)
					must(t, s.Database.Transact(t.Context(), func(tx *database.Tx) error {
						return s.Requeue(t.Context(), tx, &b, queue.Loss{Why: "was ended", Clean: true, Waits: &o})
					}))
					must(t, s.Heal(t.Context(), o.Cause))
					if b.State.Ended() {
						break
					}
					forward(max(database.FromMicros(b.NotBefore).Sub(s.Database.Now()), 0))
					if try == 1 {
						forward(c.queued)
					}
					if took := s.Database.Now().Sub(began); took > c.most {
						t.Fatalf("build %d still waits after %s and %d tries", id, took, try)
					}
				}
				if took := s.Database.Now().Sub(began); took < c.most-3*patience.Longest {
					t.Errorf("it was ended after %s, before its patience was over", took)
				}
			})
		})
	}
}

// host is something outside that can be away, and what builds and the prober meet of it.
type host struct {
	cause  pipeline.Cause
	away   atomic.Bool
	tries  atomic.Int64
	probes atomic.Int64
}

func (h *host) build(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
	h.tries.Add(1)
	if !h.away.Load() {
		return passing(ctx, b, rec)
	}
	why := "host.example does not answer: connection refused"
	step := pipeline.Step{Name: pipeline.StepClone, StartedAt: time.Now()}
	if err := rec.StepStarted(ctx, step); err != nil {
		return pipeline.Outcome{}, err
	}
	step.State, step.Cause, step.Note, step.EndedAt = pipeline.StepErrored, h.cause, why, time.Now()
	return pipeline.Outcome{State: pipeline.Errored, Cause: h.cause, Summary: why, Heals: true},
		rec.StepEnded(ctx, step)
}

func (h *host) probe(_ context.Context, c pipeline.Cause) error {
	h.probes.Add(1)
	if c == h.cause && h.away.Load() {
		return errors.New("host.example does not answer: connection refused")
	}
	return nil
}

// TestTroubleOutsideIsWaitedForByAllAndJudgesNone: of twenty builds that meet a git host or an
// index that is away none is red, one looks for all, and each has one final status.
func TestTroubleOutsideIsWaitedForByAllAndJudgesNone(t *testing.T) {
	for _, cause := range []pipeline.Cause{pipeline.CauseClone, pipeline.CauseIndex} {
		t.Run(string(cause), func(t *testing.T) {
			everyDatabase(t, func(t *testing.T, open func() *Store) { waitsForAll(t, open(), cause) })
		})
	}
}

func waitsForAll(t *testing.T, s *Store, cause pipeline.Cause) {
	noLeaks(t)
	const n = 20
	var ids []int64
	for i := range n {
		ids = append(ids, accept(t, s, pushOf(i, fmt.Sprintf("octo/repo-%d", i%7), "main")))
	}
	h, poster := &host{cause: cause}, newFakePoster()
	h.away.Store(true)
	serve(t, s, Work{Build: h.build, Probe: h.probe, Reporter: poster, StatusContext: "vivarium"})
	eventually(t, "three looks in vain", func() bool { return h.probes.Load() >= 3 })
	met := 0
	for _, id := range ids {
		b, err := s.Builds.Get(t.Context(), id)
		must(t, err)
		if b.State.Ended() {
			t.Fatalf("build %d ended %s: %s", id, b.State, b.Summary)
		}
		if b.Attempt > 0 && b.State == pipeline.Queued {
			met++
			if b.Waiting == nil || b.Waiting.Cause != cause || b.Waiting.Since.IsZero() ||
				!strings.HasPrefix(b.Summary, "waiting for the ") {
				t.Errorf("build %d waits: %+v, %q", id, b.Waiting, b.Summary)
			}
		}
	}
	if tries := h.tries.Load(); met == 0 || tries > n || cause == pipeline.CauseClone && tries > 4 {
		t.Errorf("%d builds met the trouble in %d tries", met, tries)
	}
	if list, err := s.Builds.Outages(t.Context()); err != nil || len(list) != 1 || list[0].Cause != cause ||
		list[0].Since.IsZero() {
		t.Errorf("Outages: %+v, %v", list, err)
	}
	h.away.Store(false)
	for i, id := range ids {
		if b := waitEnd(t, s, id, pipeline.Passed); b.Attempt > 2 {
			t.Errorf("build %d took %d attempts", id, b.Attempt)
		}
		eventually(t, "its final status",
			func() bool { return slices.Contains(poster.states(pushOf(i, "", "").SHA), "success") })
		states := poster.states(pushOf(i, "", "").SHA)
		if len(states) > 4 || slices.Contains(states, "error") || slices.Contains(states, "failure") ||
			states[len(states)-1] != "success" {
			t.Errorf("statuses of build %d: %v", id, states)
		}
	}
	if list, err := s.Builds.Outages(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("Outages in the end: %+v, %v", list, err)
	}
	t.Logf("%d attempts at %d builds, %d looks", h.tries.Load(), n, h.probes.Load())
}

// TestWaitingBuildKeepsItsTurn: its repository was not served by an attempt that came to nothing.
func TestWaitingBuildKeepsItsTurn(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		first := accept(t, s, pushOf(1, "octo/a", "main"))
		accept(t, s, pushOf(2, "octo/b", "main"))
		b, ok, err := s.Claim(t.Context(), 0, "me")
		if err != nil || !ok || b.ID != first {
			t.Fatal(b.ID, ok, err)
		}
		o := pipeline.Outcome{State: pipeline.Errored, Cause: pipeline.CauseEngine, Summary: "it does not answer",
			Heals: true}
		s.Tell(queue.Work{Ready: func(context.Context) func() { return func() {} }})
		must(t, s.Database.Transact(t.Context(), func(tx *database.Tx) error {
			return s.Requeue(t.Context(), tx, &b, queue.Loss{Why: "was ended", Clean: true, Waits: &o})
		}))
		if b, _, err = s.Claim(t.Context(), 0, "me"); err != nil || b.ID != first || b.Attempt != 2 {
			t.Errorf("next is build %d, attempt %d, %v; want build %d again", b.ID, b.Attempt, err, first)
		}
	})
}

// TestAClaimThatComesTooLateBeginsNoBuildThatWaits: between its look and its claim, another worker's
// attempt at the build was ended by an index that is away.
func TestAClaimThatComesTooLateBeginsNoBuildThatWaits(t *testing.T) {
	o := Options{DatabaseURL: postgresURL(t), DataDir: t.TempDir(), Log: testLog(t)}
	late, other := openStore(t, o), openStore(t, o)
	id := accept(t, late, push(1))
	other.Tell(queue.Work{Probe: func(context.Context, pipeline.Cause) error { return errors.New("away") }})
	overtake := sync.OnceFunc(func() { met(t, other, func(time.Duration) {}, pipeline.CauseIndex, 0) })
	must(t, late.Database.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Callback().Query().After("gorm:query").Register("overtake", func(db *gorm.DB) {
			if db.Statement.Table == "builds" && strings.Contains(db.Statement.SQL.String(), "not_before <=") {
				overtake()
			}
		})
	}))
	if b, ok, err := late.Claim(t.Context(), 0, "late"); err != nil || ok {
		t.Errorf("claimed build %d, attempt %d, %v; want none", b.ID, b.Attempt, err)
	}
	b, err := late.Builds.Get(t.Context(), id)
	if err != nil || b.Attempt != 1 || b.Waiting == nil || b.Waiting.Cause != pipeline.CauseIndex {
		t.Errorf("attempt %d, waiting for %+v, %v; want the first, which waits for the index", b.Attempt, b.Waiting, err)
	}
}

func TestWaitingBuildIsErroredWhenPatienceIsOver(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		h, poster := &host{cause: pipeline.CauseClone}, newFakePoster()
		h.away.Store(true)
		id := accept(t, s, push(1))
		serve(t, s, Work{Build: h.build, Probe: h.probe, Reporter: poster, StatusContext: "vivarium",
			Patience: time.Second})
		b := waitEnd(t, s, id, pipeline.Errored)
		if b.Cause != pipeline.CauseClone || !strings.HasPrefix(b.Summary,
			"host.example does not answer: connection refused; waited ") ||
			!strings.HasSuffix(b.Summary, " for the git host in vain") || b.Waiting != nil {
			t.Errorf("got %s: %s", b.Cause, b.Summary)
		}
		eventually(t, "its status", func() bool { return slices.Contains(poster.states(push(1).SHA), "error") })
		var spent int64
		must(t, s.Database.Read(t.Context()).Model(&builds.Row{}).Where("id = ?", id).Pluck("spent", &spent).Error)
		if spent != 0 {
			t.Errorf("its repository is charged %d µs for attempts that came to nothing", spent)
		}
	})
}

func TestWaitingBuildIsCanceledAtOnce(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s, other := open(), open()
		h := &host{cause: pipeline.CauseIndex}
		h.away.Store(true)
		id := accept(t, s, push(1))
		serve(t, s, Work{Build: h.build, Probe: h.probe})
		eventually(t, "it waits", func() bool {
			b, err := s.Builds.Get(t.Context(), id)
			return err == nil && b.Waiting != nil
		})
		must(t, other.Cancel(t.Context(), byTest, id))
		b, err := s.Builds.Get(t.Context(), id)
		if err != nil || b.State != pipeline.Canceled || b.Waiting != nil {
			t.Errorf("got %s, %+v, %v", b.State, b.Waiting, err)
		}
		if log := wholeLog(t, s, id); !strings.Contains(log,
			"The build is queued again and waits for the package index.\n") {
			t.Errorf("its log: %q", log)
		}
	})
}

// TestTroubleOfOneRepositoryHoldsUpNoOther: the host answers whoever looks, and one repository's
// builds fail all the same.
func TestTroubleOfOneRepositoryHoldsUpNoOther(t *testing.T) {
	s := sqliteStore(t)
	sick, h := &host{cause: pipeline.CauseClone}, &host{cause: pipeline.CauseClone}
	sick.away.Store(true)
	broken := accept(t, s, pushOf(0, "octo/broken", "main"))
	serve(t, s, Work{Workers: 1, Probe: h.probe,
		Build: func(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
			if b.ID == broken {
				return sick.build(ctx, b, rec)
			}
			return h.build(ctx, b, rec)
		}})
	for i := range 10 {
		id := accept(t, s, pushOf(1+i, "octo/well", "main"))
		if b := waitEnd(t, s, id, pipeline.Passed); b.EndedAt.Sub(b.QueuedAt) > 4*time.Second {
			t.Errorf("build %d took %s", id, b.EndedAt.Sub(b.QueuedAt))
		}
	}
	eventually(t, "it is tried again by itself", func() bool { return sick.tries.Load() >= 3 })
	sick.away.Store(false)
	waitEnd(t, s, broken, pipeline.Passed)
}

func TestBuildThatWasNeverTriedSaysWhatItWaitsFor(t *testing.T) {
	s := sqliteStore(t)
	id := accept(t, s, push(1))
	must(t, s.SetEngine(t.Context(), "it does not answer"))
	if b, err := s.Builds.Get(t.Context(), id); err != nil || b.Waiting == nil ||
		b.Summary != "waiting for the Docker engine: it does not answer" {
		t.Errorf("got %+v, %q, %v", b.Waiting, b.Summary, err)
	}
	must(t, s.SetEngine(t.Context(), ""))
	if b, err := s.Builds.Get(t.Context(), id); err != nil || b.Waiting != nil || b.Summary != "" {
		t.Errorf("once it answers: %+v, %q, %v", b.Waiting, b.Summary, err)
	}
}

// TestPendingStatusFollowsABuildThatGoesOn: it says that the build waits while that waits, and no
// longer. A host that comes and goes does not use up GitHub's statuses.
func TestPendingStatusFollowsABuildThatGoesOn(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		forward := clockOf(s)
		s.Tell(queue.Work{Patience: 24 * time.Hour})
		id := accept(t, s, push(1))
		told := func() (descriptions []string) {
			list, err := s.Outbox.Statuses(t.Context(), id)
			must(t, err)
			for _, st := range list {
				descriptions = append(descriptions, st.Description)
			}
			return descriptions
		}
		const running, waiting = "queued or running", "waiting for the git host: it does not answer"
		for try := range 2 * patience.ToldTries {
			met(t, s, forward, pipeline.CauseClone, time.Second)
			must(t, s.Heal(t.Context(), pipeline.CauseClone))
			forward(2 * patience.Longest)
			want, got := []string{running, waiting, running, waiting}[:min(2*try+2, 4)], told()
			if !slices.Equal(got[:min(len(got), len(want))], want) {
				t.Fatalf("after %d tries: %q", try+1, got)
			}
		}
		if n := len(told()); n != 2*patience.ToldTries+2 {
			t.Errorf("%d statuses after %d tries, want %d", n, 2*patience.ToldTries, 2*patience.ToldTries+2)
		}
	})
}

// TestBuildThatIsOnlyNotTriedIsNotImpatient: its trouble has passed as far as anybody knows, and
// its queue is long. It says so, and is not ended for what it met hours ago.
func TestBuildThatIsOnlyNotTriedIsNotImpatient(t *testing.T) {
	for name, c := range map[string]struct {
		cause     pipeline.Cause
		engine    string        // what is known of the engine
		queued    time.Duration // since the build's last try
		want      pipeline.State
		isWaiting bool
	}{
		"for the image, which nobody looks after": {pipeline.CauseImage, "", 2 * time.Hour, pipeline.Queued, false},
		"for an engine that answers":              {pipeline.CauseEngine, "", 2 * time.Hour, pipeline.Queued, false},
		"for an engine that is away": {pipeline.CauseEngine, "it does not answer", time.Minute,
			pipeline.Queued, true},
		"for an engine that does not come back": {pipeline.CauseEngine, "it does not answer", 2 * time.Hour,
			pipeline.Errored, false},
		"for a host that does not come back": {pipeline.CauseClone, "", 2 * time.Hour, pipeline.Errored, false},
	} {
		t.Run(name, func(t *testing.T) {
			everyDatabase(t, func(t *testing.T, open func() *Store) {
				s := open()
				forward := clockOf(s)
				s.Tell(queue.Work{
					Ready: func(context.Context) func() { return func() {} },
					Probe: func(context.Context, pipeline.Cause) error { return nil },
				})
				id := accept(t, s, push(1))
				must(t, s.SetEngine(t.Context(), c.engine))
				met(t, s, forward, c.cause, time.Second)
				if b, err := s.Builds.Get(t.Context(), id); err != nil || b.Waiting == nil {
					t.Fatalf("control: at first it waits for %+v, %v", b.Waiting, err)
				}
				forward(c.queued)
				must(t, s.Scan(t.Context(), false))
				if b, err := s.Builds.Get(t.Context(), id); err != nil || b.State != c.want ||
					(b.Waiting != nil) != c.isWaiting {
					t.Errorf("got %s: %s, waiting for %+v, %v", b.State, b.Summary, b.Waiting, err)
				}
			})
		})
	}
}
