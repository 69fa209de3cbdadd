// Package filecache keeps files by their SHA-256 in one folder, within a bound of bytes.
//
// One writer makes a file, and gives it its name once its contents match the hash. A file that
// somebody reads is not evicted. Of the others, the least recently used goes first.
package filecache

import (
	"container/list"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Cache is a folder of such files. Several processes may use one folder: a file appears whole or
// not at all, and it is no error when a file has vanished.
//
// The lock is held during the few calls that give a file its name or take it away, so that the
// counts match the files. It is never held while a file is read or written.
type Cache struct {
	name string // for people, in errors
	dir  string // empty keeps none
	max  int64  // bytes

	mu    sync.Mutex
	files map[string]*kept
	order list.List // of the files' hashes, the least recently used first
	total int64     // bytes of the kept files, of those still read, and of those being written
}

// ErrNotKept means that a file gets no place in the cache: it is too long, there is no room beside
// the files that are being read or written, or the disk fails. The caller, who has the contents,
// can go on without the cache.
var ErrNotKept = errors.New("not kept")

// kept is what is known of a kept file.
type kept struct {
	size  int64
	place *list.Element // in the cache's order
	// checked is the modification time at which this process has seen the contents match
	// the hash; zero when it has not. It spares later reads the check.
	checked time.Time
	readers int  // while there are any, its room is not free
	gone    bool // it has no name any more
}

// hashPattern is how the names of kept files look: a SHA-256 in lower-case hexadecimal digits.
var hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// New makes the folder, counts the files in it, and removes unfinished files of dead processes. The
// name, such as "package cache", is for people and stands in errors. Without a folder nothing is
// kept, and files that are written have no name. max is in bytes.
//
// Its errors name the folder: they are for the operator.
func New(name, dir string, max int64) (*Cache, error) {
	c := &Cache{name: name, dir: dir, max: max, files: map[string]*kept{}}
	if dir == "" {
		return c, nil
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
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, info := range known {
		c.put(info.Name(), info)
	}
	c.makeRoom()
	return c, nil
}

func (c *Cache) path(hash string) string { return filepath.Join(c.dir, hash) }

// put adds a file that now has its name. The lock is held.
func (c *Cache) put(hash string, info fs.FileInfo) *kept {
	c.drop(hash)
	e := &kept{size: info.Size(), place: c.order.PushBack(hash)}
	c.files[hash] = e
	c.total += e.size
	return e
}

// drop forgets a file that has lost its name. The lock is held.
func (c *Cache) drop(hash string) {
	e := c.files[hash]
	if e == nil {
		return
	}
	delete(c.files, hash)
	c.order.Remove(e.place)
	e.gone = true
	if e.readers == 0 {
		c.total -= e.size
	}
}

// makeRoom removes files that nobody reads, the least recently used first, until the rest is within
// bounds. The lock is held.
func (c *Cache) makeRoom() {
	for at := c.order.Front(); at != nil && c.total > c.max; {
		hash := at.Value.(string)
		at = at.Next()
		if c.files[hash].readers > 0 {
			continue
		}
		if err := os.Remove(c.path(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue // somebody reads it, so it still takes room
		}
		c.drop(hash)
	}
}
