package sandbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTroubleOfTheEngineIsToldFromItsRefusals(t *testing.T) {
	code := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"message":"no"}`, n) }
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   bool
	}{
		"500":      {code(500), true},
		"502":      {code(502), true},
		"503":      {code(503), true},
		"400":      {code(400), false},
		"404":      {code(404), false},
		"409":      {code(409), false},
		"hangs up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true},
	} {
		_, err := fakeEngine(t, c.answer).Start(t.Context(), Spec{Limits: DefaultLimits(Info{CPUs: 1}), Deadline: time.Now().Add(time.Minute)})
		if err == nil || IsTrouble(err) != c.want {
			t.Errorf("%s: IsTrouble(%v), want %t", name, err, c.want)
		}
	}
	gone := fakeEngine(t, code(500))
	gone.cli.Close()
	for _, host := range []string{"tcp://127.0.0.1:1", "unix:///no/such/engine.sock"} {
		t.Setenv("DOCKER_HOST", host)
		_, err := Connect(t.Context(), gone.log)
		if err == nil || !IsTrouble(err) || TroubleWords(err) != "it does not answer" {
			t.Errorf("%s: %v, in words %q", host, err, TroubleWords(err))
		}
	}
}

func TestASandboxThatTheEngineCutsIsTrouble(t *testing.T) {
	s := &Sandbox{gone: make(chan struct{}), cut: make(chan struct{}), stderr: new(tail)}
	close(s.cut)
	if err := s.lost(t.Context(), io.EOF); !errors.Is(err, ErrCut) || !IsTrouble(err) {
		t.Errorf("cut: got %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := &Sandbox{gone: make(chan struct{}), cut: make(chan struct{}), stderr: new(tail)}
		if err := s.lost(t.Context(), io.EOF); !errors.Is(err, ErrUnexplained) || IsTrouble(err) {
			t.Errorf("the engine says nothing: got %v", err)
		}
	})
}

func TestOneLooksForAllWhoWaitForTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		var asked atomic.Int64
		var told []string
		away.Store(true)
		w := &Watch{turn: make(chan struct{}, 1), told: func(words string) { told = append(told, words) }, ask: func(context.Context) error {
			asked.Add(1)
			if away.Load() {
				return context.DeadlineExceeded
			}
			return nil
		}}
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

func TestNobodyIsLetInWhileTheEngineDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		away.Store(true)
		w := &Watch{turn: make(chan struct{}, 1), told: func(string) {}, ask: func(context.Context) error {
			if away.Load() {
				return context.DeadlineExceeded
			}
			return nil
		}}
		a := &Admission{
			need: 1, usable: 8, freed: make(chan struct{}), warn: func(string, ...any) {}, answers: w.Await,
			others: func(context.Context) (others, error) { return others{}, nil },
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
		a.others = func(context.Context) (others, error) { return others{}, errors.New("a container cannot be looked at") }
		a.Enter(t.Context())() // what the engine says itself holds nobody back
	})
}
