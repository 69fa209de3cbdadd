package sandbox

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/client"
)

// silentEngine is an engine that creates containers and attaches to them, and does not answer calls
// whose path ends in silent.
func silentEngine(t *testing.T, silent string) *Engine {
	t.Helper()
	ended := make(chan struct{})
	e := fakeEngine(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, silent):
			select {
			case <-ended:
			case <-r.Context().Done():
			}
		case strings.HasSuffix(r.URL.Path, "/create"):
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"Id": "c"}`)
		case strings.HasSuffix(r.URL.Path, "/attach"):
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
			t.Cleanup(func() { conn.Close() })
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	})
	t.Cleanup(func() { close(ended) }) // runs before the server's own clean-up, which waits for its answers
	return e
}

// fakeEngine is an engine that answers as answer does.
func fakeEngine(t *testing.T, answer http.HandlerFunc) *Engine {
	t.Helper()
	srv := httptest.NewServer(answer)
	t.Cleanup(srv.Close)
	cli, err := client.NewClientWithOpts(
		client.WithHost("tcp://"+srv.Listener.Addr().String()),
		client.WithVersion("1.41"),
		tellDials,
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cli.Close() })
	return &Engine{cli: cli, info: Info{CPUs: 1}, log: slog.New(slog.DiscardHandler), order: inOrder}
}

func TestStartEndsWithItsContextWhateverTheEngineDoes(t *testing.T) {
	defer func(d time.Duration) { createGrace = d }(createGrace)
	createGrace = 100 * time.Millisecond
	for _, silent := range []string{"/create", "/attach", "/wait", "/start"} {
		t.Run(silent, func(t *testing.T) {
			e := silentEngine(t, silent)
			timeUp := errors.New("time is up")
			ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, timeUp)
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				_, err := e.Start(ctx, Spec{Limits: DefaultLimits(e.info), Deadline: time.Now().Add(time.Minute)})
				ended <- err
			}()
			select {
			case err := <-ended:
				if silent != "/create" && !errors.Is(err, timeUp) || err == nil {
					t.Errorf("got %v, want %v", err, timeUp)
				}
			case <-time.After(30 * time.Second):
				t.Error("it still waits")
			}
		})
	}
}

// TestACreateThatNobodyWaitsForLeavesNothing: an engine finishes a create even if its caller has
// gone.
func TestACreateThatNobodyWaitsForLeavesNothing(t *testing.T) {
	defer func(d time.Duration) { createGrace = d }(createGrace)
	for name, c := range map[string]struct {
		grace    time.Duration
		answered bool // the engine answered within the grace
	}{
		"answered in time":   {time.Minute, true},
		"answered to nobody": {50 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			createGrace = c.grace
			stopped := errors.New("the server stops")
			ctx, cancel := context.WithCancelCause(t.Context())
			var engine createdLate
			engine.arrived = func(r *http.Request) {
				cancel(stopped)
				if !c.answered {
					<-r.Context().Done()
				}
			}
			e := fakeEngine(t, engine.answer)
			_, err := e.Start(ctx, Spec{Limits: DefaultLimits(e.info), Deadline: time.Now().Add(time.Minute)})
			if c.answered && !errors.Is(err, stopped) || err == nil {
				t.Errorf("got %v, want %v", err, stopped)
			}
			engine.mu.Lock()
			defer engine.mu.Unlock()
			if !engine.made || !engine.removed {
				t.Errorf("the engine made it: %v, and was told to remove it: %v", engine.made, engine.removed)
			}
		})
	}
}

// createdLate is an engine that makes one container, whether or not its caller still waits.
type createdLate struct {
	arrived func(*http.Request)

	mu            sync.Mutex
	made, removed bool
}

func (c *createdLate) answer(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/create"):
		_, _ = io.Copy(io.Discard, r.Body) // only after the body's end does the server notice that a caller has gone
		c.arrived(r)
		c.made = true
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"Id": "c"}`)
	case strings.HasSuffix(r.URL.Path, "/containers/json") && c.made && strings.Contains(r.URL.RawQuery, labelCreate):
		_, _ = io.WriteString(w, `[{"Id": "c"}]`)
	case r.Method == http.MethodDelete && strings.HasSuffix(r.URL.Path, "/c"):
		c.removed = true
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}
