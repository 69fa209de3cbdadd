package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/gofrs/flock"
)

// LockedError says which process serves this data directory already.
type LockedError struct {
	Dir string
	PID int // 0 when it could not be read
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("the data directory %s is served by process %d already: stop that one, or set another VIVARIUM_DATA_DIR", e.Dir, e.PID)
}

const lockFile = "serve.lock"

// lockDir takes the lock that the one server of a data directory holds, and puts its pid into it.
// The kernel releases it when the process dies.
func lockDir(dir string) (release func() error, err error) {
	path := filepath.Join(dir, lockFile)
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
		pid, _ := strconv.Atoi(string(bytes.TrimSpace(text))) // empty for an instant while it is written
		return nil, &LockedError{Dir: dir, PID: pid}
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600); err != nil {
		return nil, fmt.Errorf("write the lock of the data directory: %w", err)
	}
	return l.Unlock, nil
}

// isServed reports whether a process holds the lock of a data directory.
func isServed(dir string) (bool, error) {
	l := flock.New(filepath.Join(dir, lockFile))
	got, err := l.TryRLock()
	if err != nil {
		return false, fmt.Errorf("look whether the data directory is served: %w", err)
	}
	return !got, l.Close()
}
