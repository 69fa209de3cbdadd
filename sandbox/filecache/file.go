package filecache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
)

// File is a file of the cache that is being read. It is not evicted until Close.
type File struct {
	*os.File
	Info  fs.FileInfo // as it was when the file was opened
	kept  *kept
	cache *Cache
}

// Close ends the reading.
func (k *File) Close() error {
	err := k.File.Close()
	k.cache.unuse(k.kept)
	return err
}

// Open returns the kept file with this hash, at its beginning, or nil when it is not there.
// Contents are checked the first time in this process and whenever the file looks changed; a
// damaged file is removed.
func (c *Cache) Open(hash string) *File {
	if c.dir == "" {
		return nil
	}
	k, checked := c.use(hash)
	if k == nil {
		return nil
	}
	if !checked && !check(k.File, hash) {
		c.removeDamaged(hash, k)
		k.Close()
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order.MoveToBack(k.kept.place)
	k.kept.checked = k.Info.ModTime()
	return k
}

// use opens a file and counts the reader, and reports whether its contents are known.
func (c *Cache) use(hash string) (k *File, checked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.files[hash]
	f, err := os.Open(c.path(hash))
	if err != nil {
		c.drop(hash)
		return nil, false
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, false
	}
	if e == nil || e.size != info.Size() { // it is another process's, or somebody changed it
		e = c.put(hash, info)
	}
	e.readers++
	return &File{f, info, e, c}, !e.checked.IsZero() && e.checked.Equal(info.ModTime())
}

// unuse removes one reader. The last reader of a file that has lost its name frees its room.
func (c *Cache) unuse(e *kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.readers--
	if e.readers == 0 && e.gone {
		c.total -= e.size
	}
}

// removeDamaged removes the file that k reads, unless another file has its place by now.
func (c *Cache) removeDamaged(hash string, k *File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if info, err := os.Stat(c.path(hash)); err == nil && !os.SameFile(info, k.Info) {
		return
	}
	// When it cannot be removed, the new download replaces it.
	if err := os.Remove(c.path(hash)); (err == nil || errors.Is(err, fs.ErrNotExist)) && c.files[hash] == k.kept {
		c.drop(hash)
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
