package egress

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// store keeps files by their SHA-256. Several processes may use one folder: a file
// appears whole or not at all, and one that vanished is fetched again.
//
// The lock is held over the few calls that give a file its name or take it away, so that
// what is counted is what is there; never while a file is read or written.
type store struct {
	dir string // empty keeps none
	max int64  // bytes

	mu        sync.Mutex
	entries   map[string]*entry
	order     list.List // of the entries' hashes, the least recently used first
	total     int64     // bytes of the kept files, of those still read, and of those on their way
	transfers map[transferKey]*transfer
}

// transferKey tells downloads apart. The address is part of it: whoever names a wrong one
// for a hash must not spoil the download of those who name the right one.
type transferKey struct {
	sha256, url string
	own         bool
}

func keyOf(d download) transferKey { return transferKey{d.sha256, d.url.String(), d.own} }

// errNotKept is a download that goes on without a place on the disk: for its length, or
// for want of room beside the files that are being read and the other downloads.
var errNotKept = errors.New("not kept")

// entry is what is known of a kept file.
type entry struct {
	size  int64
	place *list.Element // in the store's order
	// checked is the modification time at which this process has seen the contents match
	// the hash; zero when it has not. It spares later reads the check.
	checked time.Time
	readers int  // as long as there are any, its room is not free
	gone    bool // it has no name any more
}

// hashPattern is how the names of kept files look.
var hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// openStore makes the folder and takes stock of it.
func openStore(dir string, max int64) (*store, error) {
	s := &store{dir: dir, max: max, entries: map[string]*entry{}, transfers: map[transferKey]*transfer{}}
	if dir == "" {
		return s, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the package cache's folder: %w", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the package cache's folder: %w", err)
	}
	var known []fs.FileInfo
	for _, e := range files {
		info, err := e.Info()
		switch {
		case err != nil || !info.Mode().IsRegular():
		case hashPattern.MatchString(e.Name()):
			known = append(known, info)
		case strings.HasPrefix(e.Name(), partial):
			if err := removeLeftover(dir, e.Name()); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(known, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, info := range known {
		s.put(info.Name(), info)
	}
	s.makeRoom()
	return s, nil
}

func (s *store) path(hash string) string { return filepath.Join(s.dir, hash) }

// keptFile is a file of the cache that is being read. It is not evicted meanwhile.
type keptFile struct {
	*os.File
	info  fs.FileInfo
	entry *entry
	store *store
}

// Close ends the reading.
func (k *keptFile) Close() error {
	err := k.File.Close()
	k.store.unuse(k.entry)
	return err
}

// open returns the kept file with this hash, or nil. Contents are checked the first time
// in this process and whenever the file looks changed; a damaged file is removed.
func (s *store) open(hash string) *keptFile {
	if s.dir == "" {
		return nil
	}
	k, checked := s.use(hash)
	if k == nil {
		return nil
	}
	if !checked && !check(k.File, hash) {
		s.removeDamaged(hash, k)
		k.Close()
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order.MoveToBack(k.entry.place)
	k.entry.checked = k.info.ModTime()
	return k
}

// use opens a file and counts the reader, and reports whether its contents are known.
func (s *store) use(hash string) (k *keptFile, checked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[hash]
	f, err := os.Open(s.path(hash))
	if err != nil {
		s.drop(hash)
		return nil, false
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, false
	}
	if e == nil || e.size != info.Size() { // another process's, or changed by somebody
		e = s.put(hash, info)
	}
	e.readers++
	return &keptFile{f, info, e, s}, !e.checked.IsZero() && e.checked.Equal(info.ModTime())
}

// unuse gives up one reader's part; the last one of a file that has no name any more frees its room.
func (s *store) unuse(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.readers--
	if e.readers == 0 && e.gone {
		s.total -= e.size
	}
}

// put makes the entry of a file that now has its name. The lock is held.
func (s *store) put(hash string, info fs.FileInfo) *entry {
	s.drop(hash)
	e := &entry{size: info.Size(), place: s.order.PushBack(hash)}
	s.entries[hash] = e
	s.total += e.size
	return e
}

// drop forgets a file that has lost its name. The lock is held.
func (s *store) drop(hash string) {
	e := s.entries[hash]
	if e == nil {
		return
	}
	delete(s.entries, hash)
	s.order.Remove(e.place)
	e.gone = true
	if e.readers == 0 {
		s.total -= e.size
	}
}

// removeDamaged removes the file that k reads, unless another has come into its place.
func (s *store) removeDamaged(hash string, k *keptFile) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if info, err := os.Stat(s.path(hash)); err == nil && !os.SameFile(info, k.info) {
		return
	}
	// When it cannot be removed, the new download replaces it.
	if err := os.Remove(s.path(hash)); (err == nil || errors.Is(err, fs.ErrNotExist)) && s.entries[hash] == k.entry {
		s.drop(hash)
	}
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

// join takes part in the download of d, and starts it when there is none. The caller
// leaves it when done.
func (s *store) join(d download, f *fetcher) (*transfer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// One that failed stays until its last reader leaves, and is nobody else's.
	if t := s.transfers[keyOf(d)]; t != nil && !t.failed() {
		t.readers++
		return t, nil
	}
	file, err := newPartial(s.dir)
	if err != nil {
		return nil, fmt.Errorf("%s: the package cache cannot be written: %v: %w", d.name, plain(err), errNotKept)
	}
	// Not the client's context: others may go on reading when the first one leaves.
	ctx, cancel := context.WithCancel(context.Background())
	t := newTransfer(d, file, cancel)
	t.reserve, t.readers, t.long = s.reserve, 1, f.stall/longShare
	s.transfers[keyOf(d)] = t
	go t.run(ctx, f, func() error { return s.keep(t) })
	return t, nil
}

// leave ends one client's part. The last one to leave ends the download, waits for that
// and releases the file.
func (s *store) leave(t *transfer) {
	s.mu.Lock()
	t.readers--
	last := t.readers == 0
	if last && s.transfers[keyOf(t.download)] == t {
		delete(s.transfers, keyOf(t.download))
	}
	s.mu.Unlock()
	if !last {
		return
	}
	t.cancel()
	<-t.done
	t.file.discard()
	s.release(t)
}

// reserve makes room for more bytes of a download, where old files can give it. Without
// an error they are counted.
func (s *store) reserve(t *transfer, bytes int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total += bytes
	s.makeRoom()
	if s.total > s.max {
		s.total -= bytes
		return fmt.Errorf("the package cache has no room beside what is being read: %w", errNotKept)
	}
	t.reserved += bytes
	return nil
}

// release gives a download's room back, and ends its part in the file that became of it.
func (s *store) release(t *transfer) {
	s.mu.Lock()
	s.total -= t.reserved
	t.reserved = 0
	kept := t.kept
	s.mu.Unlock()
	if kept != nil {
		s.unuse(kept)
	}
}

// keep gives a checked file its place; it stays open for those who read it, and counts as
// being read until the last of them leaves.
func (s *store) keep(t *transfer) error {
	if s.dir == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := t.file.Stat()
	if err == nil {
		err = os.Rename(t.file.Name(), s.path(t.sha256))
	}
	if err != nil {
		return fmt.Errorf("keep a file in the package cache: %w", plain(err))
	}
	s.total -= t.reserved
	t.reserved = 0
	t.kept = s.put(t.sha256, info)
	t.kept.readers, t.kept.checked = 1, info.ModTime()
	s.makeRoom()
	return nil
}

// makeRoom removes the least recently used files that nobody reads until the rest is
// within bounds. The lock is held.
func (s *store) makeRoom() {
	for at := s.order.Front(); at != nil && s.total > s.max; {
		hash := at.Value.(string)
		at = at.Next()
		if s.entries[hash].readers > 0 {
			continue
		}
		if err := os.Remove(s.path(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue // it still takes its room
		}
		s.drop(hash)
	}
}
