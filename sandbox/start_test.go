package sandbox

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/client"
)

// silentEngine is an engine that creates containers and attaches to them, and does not answer calls whose path ends in silent.
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
	t.Cleanup(func() { close(ended) }) // before the server's, which waits for its answers
	return e
}

// fakeEngine is an engine that answers as answer does.
func fakeEngine(t *testing.T, answer http.HandlerFunc) *Engine {
	t.Helper()
	srv := httptest.NewServer(answer)
	t.Cleanup(srv.Close)
	cli, err := client.NewClientWithOpts(client.WithHost("tcp://"+srv.Listener.Addr().String()), client.WithVersion("1.41"), tellDials)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cli.Close() })
	return &Engine{cli: cli, info: Info{CPUs: 1}, log: slog.New(slog.DiscardHandler), order: inOrder}
}

func TestStartEndsWithItsContextWhateverTheEngineDoes(t *testing.T) {
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
