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

// partialFile is a file that is being written. It is locked for as long as its process
// lives, so that the next one can tell what a dead one has left.
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
		// Another process that starts just now took it for a dead one's in between.
	}
}

// namelessFile is for what is not kept: its room is free again whenever the
// process ends, however it does.
func namelessFile() (*partialFile, error) {
	f, err := os.CreateTemp("", partial+"*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // where open files cannot be removed, discard does it
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

// discard releases the file. It is still there under its name only when it was not kept.
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
