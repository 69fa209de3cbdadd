package egress

import (
	"container/list"
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
	name string // for people, in errors
	dir  string // empty keeps none
	max  int64  // bytes

	mu      sync.Mutex
	entries map[string]*entry
	order   list.List // of the entries' hashes, the least recently used first
	total   int64     // bytes of the kept files, of those still read, and of those being written
}

// errNotKept is a file that gets no place on the disk: for its length, for want of room beside
// the files that are being read and the others being written, or because of the disk itself.
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
func openStore(name, dir string, max int64) (*store, error) {
	s := &store{name: name, dir: dir, max: max, entries: map[string]*entry{}}
	if dir == "" {
		return s, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the %s's folder: %w", name, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the %s's folder: %w", name, err)
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
				return nil, fmt.Errorf("clean the %s's folder: %w", name, err)
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
