package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"vivarium/sandbox/stdio"
	"vivarium/sandbox/wire"
)

// followed is a sandbox whose end is waited for. answers are the engine's answers to one wait after
// the other.
func followed(t *testing.T, history string, answers ...http.HandlerFunc) *Sandbox {
	t.Helper()
	next := make(chan http.HandlerFunc, len(answers))
	for _, a := range answers {
		next <- a
	}
	e := fakeEngine(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/wait"):
			(<-next)(w, r)
		case strings.HasSuffix(r.URL.Path, "/events"):
			_, _ = io.WriteString(w, history)
		}
	})
	ctx, stop := context.WithCancel(t.Context())
	s := &Sandbox{
		engine:      e,
		id:          "c",
		stderr:      new(stdio.Tail),
		gone:        make(chan struct{}),
		cut:         make(chan struct{}),
		stopWaiting: stop,
	}
	results, failures := e.cli.ContainerWait(ctx, s.id, container.WaitConditionRemoved)
	s.background.Go(func() { s.follow(ctx, results, failures) })
	t.Cleanup(func() {
		stop()
		s.background.Wait()
	})
	return s
}

// idleCut accepts a wait and breaks it off, as a proxy does with an idle connection.
func idleCut(w http.ResponseWriter, _ *http.Request) {
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func TestAWaitThatAProxyCutsHidesNoEnd(t *testing.T) {
	end := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"StatusCode": %d}`, wire.ExitDeadline)
	}
	none := func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message": "No such container: c"}`, http.StatusNotFound)
	}
	away := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	const exited = `{"Type": "container", "Action": "die", "Actor": {"Attributes": {"exitCode": "0"}}}`
	died := fmt.Sprintf(`{"Type": "container", "Action": "die", "Actor": {"Attributes": {"exitCode": "%d"}}}`,
		wire.ExitDeadline)
	for name, c := range map[string]struct {
		history string
		answers []http.HandlerFunc
		cut     bool
	}{
		"no cut":                 {"", []http.HandlerFunc{end}, false},
		"it runs on":             {"", []http.HandlerFunc{idleCut, end}, false},
		"twice":                  {"", []http.HandlerFunc{idleCut, idleCut, end}, false},
		"it has ended meanwhile": {died, []http.HandlerFunc{idleCut, none}, false},
		"all connections were cut, and PID 1 ended for it": {exited, []http.HandlerFunc{idleCut, none}, true},
		"the engine was started anew":                      {"", []http.HandlerFunc{idleCut, none}, true},
		"the engine is away":                               {died, []http.HandlerFunc{idleCut, away}, true},
		"the engine broke off in its own answer":           {"", []http.HandlerFunc{away, away}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := followed(t, c.history, c.answers...)
			err := s.lost(t.Context(), io.EOF)
			var lost *LostError
			if errors.Is(err, ErrCut) != c.cut || (errors.As(err, &lost) && lost.Deadline) == c.cut {
				t.Errorf("got %v; want the engine to be blamed: %t, or else the build's deadline", err, c.cut)
			}
		})
	}
}

// TestAnEngineThatIsAwayKeepsNobodyWaitingForAnEnd: the end of a container of which the engine
// knows nothing never comes.
func TestAnEngineThatIsAwayKeepsNobodyWaitingForAnEnd(t *testing.T) {
	s := &Sandbox{
		engine: fakeEngine(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		}),
		id:          "c",
		gone:        make(chan struct{}),
		cut:         make(chan struct{}),
		stopWaiting: func() {},
	}
	close(s.cut)
	began := time.Now()
	if err := s.finish(); err != nil || time.Since(began) > closeTimeout/2 {
		t.Errorf("finish took %s: %v", time.Since(began), err)
	}
}
