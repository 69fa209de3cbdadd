package filecache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Writer is a file that may go into the cache. What is written can be read at once. One goroutine
// calls Write, Reserve and Keep; any number may read. No error names a folder of the host.
type Writer struct {
	cache *Cache
	file  *partialFile

	// Guarded by the cache's lock.
	reserved int64
	kept     *kept // what became of the file
}

// Create begins a file. Close releases it. Its error is ErrNotKept when no file can be written.
func (c *Cache) Create() (*Writer, error) {
	file, err := newPartial(c.dir)
	if err != nil {
		return nil, c.cannotWrite(err)
	}
	return &Writer{cache: c, file: file}, nil
}

// cannotWrite says what is wrong with the disk, without the folders of the host.
func (c *Cache) cannotWrite(err error) error {
	return fmt.Errorf("the %s cannot be written: %v: %w", c.name, withoutPath(err), ErrNotKept)
}

// Reserve makes room for more bytes, by removing old files where needed. If it succeeds, the bytes
// count as used. Its error is ErrNotKept when there is no room.
func (w *Writer) Reserve(bytes int64) error {
	c := w.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += bytes
	c.makeRoom()
	if c.total > c.max {
		c.total -= bytes
		return fmt.Errorf("the %s has no room beside what is being read: %w", c.name, ErrNotKept)
	}
	w.reserved += bytes
	return nil
}

// Write appends to the file. The room must have been reserved. Its error is ErrNotKept when the
// disk does not take the bytes.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	if err != nil {
		return n, w.cache.cannotWrite(err)
	}
	return n, nil
}

// ReadAt reads what has been written, also after the file was kept.
func (w *Writer) ReadAt(p []byte, off int64) (int, error) { return w.file.ReadAt(p, off) }

// Keep gives the file its place under its hash, which the caller has checked. It stays open, and
// counts as a file that is read until Close. A cache without a folder keeps nothing, which is no
// error.
func (w *Writer) Keep(hash string) error {
	c := w.cache
	if c.dir == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := w.file.Stat()
	if err == nil {
		err = os.Rename(w.file.Name(), c.path(hash))
	}
	if err != nil {
		return fmt.Errorf("keep a file in the %s: %w", c.name, withoutPath(err))
	}
	c.total -= w.reserved
	w.reserved = 0
	w.kept = c.put(hash, info)
	w.kept.readers, w.kept.checked = 1, info.ModTime()
	c.makeRoom()
	return nil
}

// Close removes the file unless it was kept, and frees its room. Nobody may write or read after it.
func (w *Writer) Close() {
	w.file.discard()
	c := w.cache
	c.mu.Lock()
	c.total -= w.reserved
	w.reserved = 0
	kept := w.kept
	w.kept = nil
	c.mu.Unlock()
	if kept != nil {
		c.unuse(kept)
	}
}

// withoutPath removes the folders of the host from an error.
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
