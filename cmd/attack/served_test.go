package attack

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"vivarium/cmd/internal/harness"
	"vivarium/images/imagestest"
	"vivarium/sandbox/eventually"
	"vivarium/server/api"
	"vivarium/server/github/githubtest"
	"vivarium/server/github/githubtest/events"
)

// binary is a real `vivarium`. VIVARIUM_TEST_BINARY names it on machines without Go; else it is
// built once from this source. closeBinary removes it.
var binary struct {
	sync.Once
	dir, file string
	err       error
}

func vivarium(t *testing.T) string {
	t.Helper()
	binary.Do(func() {
		if binary.file = os.Getenv("VIVARIUM_TEST_BINARY"); binary.file != "" {
			return
		}
		if binary.dir, binary.err = os.MkdirTemp("", "vivarium-attack-"); binary.err != nil {
			return
		}
		binary.file = filepath.Join(binary.dir, "vivarium")
		build := exec.Command("go", "build", "-o", binary.file, "vivarium/cmd/vivarium")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			binary.err = fmt.Errorf("build vivarium: %w\n%s", err, out)
		}
	})
	if binary.err != nil {
		t.Fatal(binary.err)
	}
	return binary.file
}

func closeBinary() error {
	if binary.dir == "" {
		return nil
	}
	return os.RemoveAll(binary.dir)
}

// served is a real `vivarium serve` with a world around it.
type served struct {
	*harness.World
	*harness.Server
	statuses []githubtest.Status // what GitHub was told
	mu       sync.Mutex
}

// imageSettings are the settings that the command line needs too, to find the tests' images.
func imageSettings(t *testing.T) []string {
	t.Helper()
	o := imagestest.Options(t)
	return []string{
		"VIVARIUM_INIT_DIR=" + o.InitDir, "VIVARIUM_RUNNERS=" + o.Runners, "VIVARIUM_RUNTIME=" + imagestest.Runtime(),
		"VIVARIUM_MEMORY=256MiB", "VIVARIUM_DISK=256MiB",
	}
}

func serve(t *testing.T, env ...string) *served {
	t.Helper()
	s := &served{}
	var err error
	s.World, err = harness.NewWorld(harness.Options{OnStatus: func(st githubtest.Status) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.statuses = append(s.statuses, st)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := s.World.Close(); err != nil {
			t.Error(err)
		}
	})
	if s.Server, err = s.Serve(vivarium(t),
		append(append(imageSettings(t), "VIVARIUM_WORKERS=1"), env...)...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		words := s.LastWords()
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log("the server's last words:\n" + words)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience(t, time.Minute))
	defer cancel()
	if err := s.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

// until waits until ok accepts the build.
func (s *served) until(t *testing.T, id string, ok func(api.Build) bool) api.Build {
	t.Helper()
	var b api.Build
	if !eventually.Within(patience(t, 2*time.Minute), func() (done bool) {
		var err error
		if b, err = s.Build(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		return ok(b)
	}) {
		t.Fatalf("build %s does not come to what is waited for: it is %s", id, b.State)
	}
	return b
}

func push(repo, sha string) events.Push { return events.Push{Repo: repo, SHA: sha} }

func ended(b api.Build) bool { return b.State.Ended() }
