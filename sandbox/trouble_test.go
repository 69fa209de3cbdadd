package sandbox

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
	"vivarium/sandbox/stdio"
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
		_, err := fakeEngine(t, c.answer).Start(
			t.Context(),
			Spec{Limits: DefaultLimits(Info{CPUs: 1}), Deadline: time.Now().Add(time.Minute)},
		)
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
	s := &Sandbox{gone: make(chan struct{}), cut: make(chan struct{}), stderr: new(stdio.Tail)}
	close(s.cut)
	if err := s.lost(t.Context(), io.EOF); !errors.Is(err, ErrCut) || !IsTrouble(err) {
		t.Errorf("cut: got %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := &Sandbox{gone: make(chan struct{}), cut: make(chan struct{}), stderr: new(stdio.Tail)}
		if err := s.lost(t.Context(), io.EOF); !errors.Is(err, ErrUnexplained) || IsTrouble(err) {
			t.Errorf("the engine says nothing: got %v", err)
		}
	})
}
