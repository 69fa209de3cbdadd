package egress

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// writer is a file on its way into the store. What is written can be read at once. One goroutine
// writes; any number may read.
type writer struct {
	store *store
	file  *partialFile

	// Guarded by the store's lock.
	reserved int64
	kept     *entry // what became of the file
}

// create begins a file. Close releases it. That it cannot be written is errNotKept.
func (s *store) create() (*writer, error) {
	file, err := newPartial(s.dir)
	if err != nil {
		return nil, s.cannotWrite(err)
	}
	return &writer{store: s, file: file}, nil
}

// cannotWrite says what is wrong with the disk, without the folders of the host.
func (s *store) cannotWrite(err error) error {
	return fmt.Errorf("the %s cannot be written: %v: %w", s.name, withoutPath(err), errNotKept)
}

// reserve makes room for more bytes, where old files can give it. Without an error they are
// counted; that there is no room is errNotKept.
func (w *writer) reserve(bytes int64) error {
	s := w.store
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total += bytes
	s.makeRoom()
	if s.total > s.max {
		s.total -= bytes
		return fmt.Errorf("the %s has no room beside what is being read: %w", s.name, errNotKept)
	}
	w.reserved += bytes
	return nil
}

// Write appends to the file. Its room must have been reserved. That it cannot be written is errNotKept.
func (w *writer) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	if err != nil {
		return n, w.store.cannotWrite(err)
	}
	return n, nil
}

// ReadAt reads what has been written, also after the file was kept.
func (w *writer) ReadAt(p []byte, off int64) (int, error) { return w.file.ReadAt(p, off) }

// keep gives the file its place under its hash, which the caller has checked. It stays open, and
// counts as being read until Close. A store without a folder keeps nothing, which is no error.
func (w *writer) keep(hash string) error {
	s := w.store
	if s.dir == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := w.file.Stat()
	if err == nil {
		err = os.Rename(w.file.Name(), s.path(hash))
	}
	if err != nil {
		return fmt.Errorf("keep a file in the %s: %w", s.name, withoutPath(err))
	}
	s.total -= w.reserved
	w.reserved = 0
	w.kept = s.put(hash, info)
	w.kept.readers, w.kept.checked = 1, info.ModTime()
	s.makeRoom()
	return nil
}

// Close removes the file unless it was kept, and gives up its room. Nobody may write or read any more.
func (w *writer) Close() {
	w.file.discard()
	s := w.store
	s.mu.Lock()
	s.total -= w.reserved
	w.reserved = 0
	kept := w.kept
	w.kept = nil
	s.mu.Unlock()
	if kept != nil {
		s.unuse(kept)
	}
}

// withoutPath takes off an error the folders of the host.
func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}
