package harness

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newWorld(t *testing.T) *World {
	t.Helper()
	w, err := NewWorld(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func TestServerGetsNothingOfTheCallersSettings(t *testing.T) {
	t.Setenv("GITHUB_TOKEN", "a real token")
	t.Setenv("VIVARIUM_DATABASE_URL", "postgres://production")
	t.Setenv("VIVARIUM_RUNTIME", "runsc")
	t.Setenv("HARNESS_CONTROL", "kept")
	env := strings.Join(Environ(), "\n")
	for _, lost := range []string{"a real token", "production"} {
		if strings.Contains(env, lost) {
			t.Errorf("%q reaches the server", lost)
		}
	}
	for _, kept := range []string{"VIVARIUM_RUNTIME=runsc", "HARNESS_CONTROL=kept"} {
		if !strings.Contains(env, kept) {
			t.Errorf("%q does not reach the server", kept)
		}
	}
}

func TestWaitReadyFailsWithTheLastWordsOfAServerThatEnded(t *testing.T) {
	s, err := newWorld(t).Serve("/bin/ls") // has no file named serve to show
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = s.WaitReady(ctx)
	if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "serve") {
		t.Errorf("WaitReady = %v, want the words of ls", err)
	}
}

func TestServeOfAProgramThatIsNotThereLeavesNothing(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	if _, err := newWorld(t).Serve("no/such/program"); err == nil {
		t.Error("want an error")
	}
	if left, err := filepath.Glob(filepath.Join(tmp, "vivarium-serve-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
