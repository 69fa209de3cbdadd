package egress

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	partial = "partial-" // how the names of unfinished files begin
	// partialAge is when an unfinished file must be one that a dead process left.
	partialAge = 24 * time.Hour
)

// store keeps files by their SHA-256. Several processes may use one folder: a file
// appears whole or not at all, and one that vanished is fetched again.
type store struct {
	dir string // empty keeps none
	max int64  // bytes

	mu        sync.Mutex
	entries   map[string]*entry
	total     int64 // bytes of the kept files and of those that are on their way
	transfers map[string]*transfer
}

// errFull refuses a download for which there is no room beside those under way.
var errFull = errors.New("the package cache has no room for it beside the other downloads under way")

// entry is what is known of a kept file.
type entry struct {
	size int64
	used time.Time
	// checked is the modification time at which this process has seen the contents match
	// the hash; zero when it has not. It spares later reads the check.
	checked time.Time
}

// openStore makes the folder and takes stock of it.
func openStore(dir string, max int64) (*store, error) {
	s := &store{dir: dir, max: max, entries: map[string]*entry{}, transfers: map[string]*transfer{}}
	if dir == "" {
		return s, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the package cache's folder: %w", err)
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the package cache's folder: %w", err)
	}
	for _, e := range list {
		info, err := e.Info()
		switch {
		case err != nil || !info.Mode().IsRegular():
		case sha256Digits.MatchString(e.Name()):
			s.entries[e.Name()] = &entry{size: info.Size(), used: info.ModTime()}
			s.total += info.Size()
		case strings.HasPrefix(e.Name(), partial) && time.Since(info.ModTime()) > partialAge:
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("clean the package cache's folder: %w", err)
			}
		}
	}
	s.evict("")
	return s, nil
}

func (s *store) path(hash string) string { return filepath.Join(s.dir, hash) }

// open returns the kept file with this hash, or nil. Contents are checked the first time
// in this process and whenever the file looks changed; a damaged file is removed.
func (s *store) open(hash string) (*os.File, fs.FileInfo) {
	if s.dir == "" {
		return nil, nil
	}
	f, err := os.Open(s.path(hash))
	if err != nil {
		s.forget(hash)
		return nil, nil
	}
	info, err := f.Stat()
	if err == nil && (s.isChecked(hash, info) || check(f, hash)) {
		s.remember(hash, info)
		return f, info
	}
	f.Close()
	s.forget(hash)
	// When it cannot be removed, the new download replaces it.
	_ = os.Remove(s.path(hash))
	return nil, nil
}

// check reads the whole file and leaves it at its beginning.
func check(f *os.File, hash string) bool {
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return false
	}
	_, err := f.Seek(0, io.SeekStart)
	return err == nil && hex.EncodeToString(sum.Sum(nil)) == hash
}

func (s *store) isChecked(hash string, info fs.FileInfo) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[hash]
	return e != nil && e.size == info.Size() && !e.checked.IsZero() && e.checked.Equal(info.ModTime())
}

// remember notes a file whose contents are right.
func (s *store) remember(hash string, info fs.FileInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[hash]; e != nil {
		s.total -= e.size
	}
	s.entries[hash] = &entry{size: info.Size(), used: time.Now(), checked: info.ModTime()}
	s.total += info.Size()
}

func (s *store) forget(hash string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[hash]; e != nil {
		s.total -= e.size
		delete(s.entries, hash)
	}
}

// join takes part in the download of d, and starts it when there is none. The caller
// leaves it when done.
func (s *store) join(d download, f *fetcher) (*transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// One that failed stays until its last reader leaves, and is nobody else's.
	if t := s.transfers[d.sha256]; t != nil && !t.failed() {
		t.readers++
		return t, nil
	}
	d.limit = min(d.limit, s.max) // a larger one is refused by its length, before others make room for it
	file, err := os.CreateTemp(s.dir, partial+"*")
	if err != nil {
		return nil, fmt.Errorf("keep %s: %w", d.name, plain(err))
	}
	// Not the client's context: others may go on reading when the first one leaves.
	ctx, cancel := context.WithCancel(context.Background())
	t := &transfer{
		download: d, cancel: cancel, reserve: s.reserve, done: make(chan struct{}), file: file,
		readers: 1, size: -1, changed: make(chan struct{}),
	}
	s.transfers[d.sha256] = t
	go t.run(ctx, f, func(file *os.File) error { return s.keep(t, file) })
	return t, nil
}

// leave ends one client's part. The last one to leave ends the download, waits for that
// and releases the file.
func (s *store) leave(t *transfer) {
	s.mu.Lock()
	t.readers--
	last := t.readers == 0
	if last && s.transfers[t.sha256] == t {
		delete(s.transfers, t.sha256)
	}
	s.mu.Unlock()
	if !last {
		return
	}
	t.cancel()
	<-t.done
	s.release(t)
	t.file.Close()
	// It is still there under this name only when it was not kept.
	_ = os.Remove(t.file.Name())
}

// reserve makes room for more bytes of a download, where old files can give it.
func (s *store) reserve(t *transfer, bytes int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total += bytes
	t.reserved += bytes
	s.makeRoom("")
	if s.total > s.max {
		return errFull
	}
	return nil
}

// release gives a download's room back.
func (s *store) release(t *transfer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total -= t.reserved
	t.reserved = 0
}

// keep gives a checked file its place; it stays open for those who read it.
func (s *store) keep(t *transfer, f *os.File) error {
	if s.dir == "" {
		return nil
	}
	hash := t.sha256
	if err := os.Rename(f.Name(), s.path(hash)); err != nil {
		return fmt.Errorf("keep a file in the package cache: %w", plain(err))
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("keep a file in the package cache: %w", plain(err))
	}
	s.release(t)
	s.remember(hash, info)
	s.evict(hash)
	return nil
}

// evict removes the least recently used files until the rest is within bounds. The file
// named except stays: somebody is reading it.
func (s *store) evict(except string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.makeRoom(except)
}

// makeRoom is evict with the lock held.
func (s *store) makeRoom(except string) {
	for s.total > s.max {
		oldest := ""
		for hash, e := range s.entries {
			if hash != except && (oldest == "" || e.used.Before(s.entries[oldest].used)) {
				oldest = hash
			}
		}
		if oldest == "" {
			return
		}
		s.total -= s.entries[oldest].size
		delete(s.entries, oldest)
		_ = os.Remove(s.path(oldest)) // gone already, or still in use on Windows
	}
}
