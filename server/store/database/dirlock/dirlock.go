// Package dirlock is the lock that the one server of a data directory holds.
package dirlock

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/gofrs/flock"
)

// HeldError names the process that serves this data directory already.
type HeldError struct {
	Dir string
	PID int // 0 when it could not be read
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("the data directory %s is served by process %d already: stop that one, or "+
		"set another VIVARIUM_DATA_DIR", e.Dir, e.PID)
}

const file = "serve.lock"

// Take takes the lock that the one server of a data directory holds, and writes its pid into the
// file. The kernel releases the lock when the process dies.
func Take(dir string) (release func() error, err error) {
	path := filepath.Join(dir, file)
	l := flock.New(path)
	got, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if !got {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read who serves the data directory: %w", err)
		}
		pid, _ := strconv.Atoi(string(bytes.TrimSpace(text))) // empty for an instant, while the pid is written
		return nil, &HeldError{Dir: dir, PID: pid}
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600); err != nil {
		return nil, fmt.Errorf("write the lock of the data directory: %w", err)
	}
	return l.Unlock, nil
}

// IsHeld reports whether a process holds the lock of a data directory.
func IsHeld(dir string) (bool, error) {
	l := flock.New(filepath.Join(dir, file))
	got, err := l.TryRLock()
	if err != nil {
		return false, fmt.Errorf("look whether the data directory is served: %w", err)
	}
	return !got, l.Close()
}
