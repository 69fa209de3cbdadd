package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
)

// TestNoContainerIsLeftWhereverACommandIsStopped signals a server, and a `vivarium run`, at each
// call that makes its first sandbox. The engine carries the call out in any case.
func TestNoContainerIsLeftWhereverACommandIsStopped(t *testing.T) {
	w := newWorld(t, 1)
	tree := t.TempDir()
	for name, text := range oneTest("pass") {
		file := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range []struct {
		args   []string
		signal os.Signal
	}{
		{[]string{"serve"}, syscall.SIGTERM},
		{[]string{"run", tree}, os.Interrupt},
	} {
		for _, at := range []string{"create", "{id}/attach", "{id}/wait", "{id}/start"} {
			t.Run(command.args[0]+" at "+at, func(t *testing.T) {
				p := startEngineProxy(t)
				cmd := w.command(command.args...)
				cmd.Env = append(cmd.Env, "DOCKER_HOST="+p.host)
				var log syncBuffer
				cmd.Stdout, cmd.Stderr = &log, &log
				s := &stopped{at: "POST /containers/" + at, cmd: cmd, signal: command.signal}
				s.started.Lock()
				p.mu.Lock()
				p.tell = s.tell
				p.mu.Unlock()
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				s.started.Unlock()
				ended := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
				_ = cmd.Wait() // another test checks how it ended
				if !ended.Stop() {
					t.Fatalf("it has not stopped within a minute:\n%s", log.String())
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				if s.cancel != nil {
					defer s.cancel()
				}
				if !strings.HasPrefix(s.label, "vivarium.create=") || !s.signalled {
					t.Fatalf("control: it made no sandbox with a label, or was not stopped (%q):\n%s",
						s.label, log.String())
				}
				w.until(20*time.Second, "the container is gone", func() bool { return !w.there(s.label) })
			})
		}
	}
}

// stopped signals a command when it makes a certain call.
type stopped struct {
	at      string
	cmd     *exec.Cmd
	signal  os.Signal
	started sync.Mutex // held until the command has a process

	once      sync.Once
	mu        sync.Mutex
	cancel    context.CancelFunc
	label     string // of its first container only
	signalled bool
}

func (s *stopped) tell(call string, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if call == "POST /containers/create" && s.label == "" {
		body, err := io.ReadAll(r.Body)
		var settings container.Config
		if err = errors.Join(err, json.Unmarshal(body, &settings)); err == nil {
			s.label = "vivarium.create=" + settings.Labels["vivarium.create"]
		}
		r.Body = io.NopCloser(bytes.NewReader(body)) // the original goes with its sender
	}
	if call != s.at {
		return
	}
	s.once.Do(func() {
		s.started.Lock()
		defer s.started.Unlock()
		s.signalled = s.cmd.Process.Signal(s.signal) == nil
		gone := r.Context()
		// Done must not be nil, or httputil would watch whether the caller is there.
		onward, cancel := context.WithCancel(context.WithoutCancel(gone))
		s.cancel = cancel
		*r = *r.WithContext(onward)
		select { // a caller that leaves does so before the engine answers
		case <-gone.Done():
		case <-time.After(200 * time.Millisecond):
		}
	})
}

// there reports whether the engine has a container with the label, in any state.
func (w *world) there(label string) bool {
	w.t.Helper()
	list, err := w.engine.ContainerList(w.t.Context(),
		container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", label))})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(list) > 0
}
