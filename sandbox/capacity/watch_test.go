package capacity

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vivarium/sandbox"
)

func TestOneLooksForAllWhoWaitForTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		var asked atomic.Int64
		var told []string
		away.Store(true)
		w := &Watch{
			looking: make(chan struct{}, 1),
			told:    func(words string) error { told = append(told, words); return nil },
			ask: func(context.Context) error {
				asked.Add(1)
				if away.Load() {
					return context.DeadlineExceeded
				}
				return nil
			},
		}
		var all sync.WaitGroup
		began := time.Now()
		for range 10 {
			all.Go(func() { w.Await(t.Context()) })
		}
		time.Sleep(20 * time.Second)
		if n := asked.Load(); n < 4 || n > 6 {
			t.Errorf("the engine was asked %d times in 20 s, want 1, 2, 4, 8 s between", n)
		}
		if since, err := w.Away(); err == nil || !since.Equal(began) {
			t.Errorf("Away: %s, %v; want since %s", since, err, began)
		}
		if err := w.Look(t.Context()); err == nil || !strings.Contains(err.Error(), "it does not answer") {
			t.Errorf("Look: %v", err)
		}
		away.Store(false)
		all.Wait()
		if err := w.Look(t.Context()); err != nil {
			t.Errorf("Look once it answers: %v", err)
		}
		w.Close()
		if got := strings.Join(told, "|"); got != "it does not answer|" {
			t.Errorf("told %q", got)
		}
	})
}

// TestWhatCouldNotBeToldOfTheEngineIsToldAtTheNextLook: the database may be away together with the
// engine.
func TestWhatCouldNotBeToldOfTheEngineIsToldAtTheNextLook(t *testing.T) {
	var answers, taken error
	var told []string
	w := &Watch{looking: make(chan struct{}, 1), ask: func(context.Context) error { return answers },
		told: func(words string) error { told = append(told, words); return taken }}
	for _, look := range []struct {
		answers, taken error
		want           int // how often told was called by then
	}{
		{nil, nil, 0},
		{context.DeadlineExceeded, errors.New("the database is away"), 1},
		{context.DeadlineExceeded, nil, 2},
		{context.DeadlineExceeded, nil, 2},
		{nil, errors.New("the database is away"), 3},
		{nil, errors.New("the database is away"), 4},
		{nil, nil, 5},
		{nil, nil, 5},
	} {
		answers, taken = look.answers, look.taken
		if _ = w.look(t.Context()); len(told) != look.want {
			t.Fatalf("told %q, want %d", told, look.want)
		}
	}
	if told[1] != "it does not answer" || told[4] != "" {
		t.Errorf("told %q", told)
	}
}

func TestNobodyIsLetInWhileTheEngineDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		away.Store(true)
		w := &Watch{
			looking: make(chan struct{}, 1),
			told:    func(string) error { return nil },
			ask: func(context.Context) error {
				if away.Load() {
					return context.DeadlineExceeded
				}
				return nil
			},
		}
		a := &Admission{
			need: 1, usable: 8, freed: make(chan struct{}), warn: func(string, ...any) {}, answers: w.Await,
			others: func(context.Context) (sandbox.Others, error) { return sandbox.Others{}, nil },
		}
		entered := make(chan func(), 1)
		go func() { entered <- a.Enter(t.Context()) }()
		time.Sleep(time.Minute)
		select {
		case <-entered:
			t.Fatal("one was let in")
		default:
		}
		away.Store(false)
		(<-entered)()
		a.others = func(context.Context) (sandbox.Others, error) {
			return sandbox.Others{}, errors.New("a container cannot be looked at")
		}
		a.Enter(t.Context())() // an error of the engine's own holds nobody back
	})
}
