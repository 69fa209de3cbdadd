package filecache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// partial is how the names of unfinished files begin.
const partial = "partial-"

// partialFile is a file that is being written. It is locked for as long as its process lives, so
// that a later process can tell which files a dead one has left.
type partialFile struct {
	*os.File
	lock *flock.Flock // nil when the file has no name
}

func newPartial(dir string) (*partialFile, error) {
	if dir == "" {
		return namelessFile()
	}
	for {
		f, err := os.CreateTemp(dir, partial+"*")
		if err != nil {
			return nil, err
		}
		p := &partialFile{f, flock.New(f.Name(), flock.SetFlag(os.O_RDWR))}
		locked, err := p.lock.TryLock()
		if locked && p.stands() {
			return p, nil
		}
		p.discard()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		// Between the two calls another process, just starting, took the file for a dead one's.
	}
}

// namelessFile is a file for contents that are not kept. However the process ends, the file's room
// is free again.
func namelessFile() (*partialFile, error) {
	f, err := os.CreateTemp("", partial+"*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // where an open file cannot be removed, discard removes it later
	return &partialFile{File: f}, nil
}

// stands reports whether the file is still there under its name.
func (p *partialFile) stands() bool {
	own, err := p.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(p.Name())
	return err == nil && os.SameFile(own, named)
}

// discard closes the file, and removes it if it still has its name: then it was not kept.
func (p *partialFile) discard() {
	p.Close()
	_ = os.Remove(p.Name())
	if p.lock != nil {
		_ = p.lock.Close()
	}
}

// removeLeftover removes an unfinished file when no process holds it.
func removeLeftover(dir, name string) error {
	path := filepath.Join(dir, name)
	lock := flock.New(path, flock.SetFlag(os.O_RDWR))
	defer lock.Close()
	locked, err := lock.TryLock()
	if err == nil && locked {
		err = os.Remove(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
