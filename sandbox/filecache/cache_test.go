package filecache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newCache(t *testing.T, max int64) *Cache {
	t.Helper()
	c, err := New("package cache", t.TempDir(), max)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// putFile puts a file of n bytes into the cache, as a writer does, and returns its hash.
func putFile(t *testing.T, c *Cache, n int) string {
	t.Helper()
	data := bytes.Repeat([]byte{byte(n)}, n)
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	w, err := c.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Reserve(int64(n)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Keep(hash); err != nil {
		t.Fatal(err)
	}
	return hash
}

// create begins a file that ends with the test.
func create(t *testing.T, c *Cache) *Writer {
	t.Helper()
	w, err := c.Create()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func ls(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (c *Cache) counted() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

func TestErrorsNameTheCacheAndNoFolderOfTheHost(t *testing.T) {
	c := newCache(t, 100)
	w := create(t, c)
	if err := os.RemoveAll(c.dir); err != nil {
		t.Fatal(err)
	}
	want := func(err error, text string) {
		t.Helper()
		if fmt.Sprint(err) != text {
			t.Errorf("got %v, want %s", err, text)
		}
	}
	_, err := c.Create()
	want(err, "the package cache cannot be written: no such file or directory: not kept")
	want(w.Reserve(101), "the package cache has no room beside what is being read: not kept")
	want(w.Keep(strings.Repeat("0", 64)), "keep a file in the package cache: no such file or directory")
	w.Close()
	_, err = w.Write([]byte("x"))
	want(err, "the package cache cannot be written: file already closed: not kept")
}

func TestDownloadsUnderWayCountAgainstTheCachesBound(t *testing.T) {
	c := newCache(t, 100)
	old := putFile(t, c, 60)
	one, two := create(t, c), create(t, c)
	if err := one.Reserve(70); err != nil || c.files[old] != nil {
		t.Errorf("control: a kept file gives its room to a download: %v, kept %v", err, c.files[old])
	}
	if err := two.Reserve(40); !errors.Is(err, ErrNotKept) {
		t.Errorf("a second download beyond the bound: %v, want %v", err, ErrNotKept)
	}
	two.Close()
	one.Close()
	if c.total != 0 {
		t.Errorf("%d bytes are still counted", c.total)
	}
}

func TestAFileThatIsReadIsNotEvictedAndKeepsItsRoom(t *testing.T) {
	c := newCache(t, 100)
	read := c.Open(putFile(t, c, 60))
	if err := create(t, c).Reserve(50); !errors.Is(err, ErrNotKept) {
		t.Errorf("got %v: the room of a file that somebody reads was given away", err)
	}
	if c.counted() != 60 {
		t.Errorf("%d bytes counted, want 60", c.counted())
	}
	read.Close()
	if err := create(t, c).Reserve(50); err != nil || c.counted() != 50 {
		t.Errorf("once it is read no more: %v, %d bytes counted", err, c.counted())
	}
}

func TestAFileThatLostItsNameKeepsItsRoomWhileItIsRead(t *testing.T) {
	c := newCache(t, 100)
	hash := putFile(t, c, 60)
	read := c.Open(hash)
	if err := os.Remove(c.path(hash)); err != nil {
		t.Fatal(err)
	}
	if again := c.Open(hash); again != nil {
		t.Fatal("a file that is not there was opened")
	}
	if c.counted() != 60 {
		t.Errorf("%d bytes counted while it is read, want 60", c.counted())
	}
	read.Close()
	if c.counted() != 0 {
		t.Errorf("%d bytes counted after that, want none", c.counted())
	}
}

func TestARemovalThatFailsFreesNoRoom(t *testing.T) {
	c := newCache(t, 100)
	stuck, other := putFile(t, c, 30), putFile(t, c, 31)
	// A folder that is not empty cannot be removed, whoever runs the test.
	if err := errors.Join(os.Remove(c.path(stuck)), os.MkdirAll(c.path(stuck)+"/x", 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := create(t, c).Reserve(60); err != nil || c.files[other] != nil || c.files[stuck] == nil {
		t.Errorf("%v; want the other file evicted and the stuck one counted", err)
	}
	if c.counted() != 90 {
		t.Errorf("%d bytes counted, want 90", c.counted())
	}
}

// A damaged file is found while its successor takes its place. The successor stays.
func TestADamagedFileIsNotConfusedWithItsSuccessor(t *testing.T) {
	c := newCache(t, 1000)
	hash := putFile(t, c, 60)
	damaged, _ := c.use(hash)
	if err := os.Remove(c.path(hash)); err != nil {
		t.Fatal(err)
	}
	putFile(t, c, 60)
	c.removeDamaged(hash, damaged)
	damaged.Close()
	if _, err := os.Stat(c.path(hash)); err != nil || c.files[hash] == nil || c.counted() != 60 {
		t.Errorf("%v, kept as %v, %d bytes counted; want the successor kept", err, c.files[hash], c.counted())
	}
}

// small is a file of one byte.
type small struct{ fs.FileInfo }

func (small) Size() int64 { return 1 }

func TestRoomForALargeFileIsMadeOfManySmallOnesAtOnce(t *testing.T) {
	const files = 40_000 // looking for the oldest among all, again and again, would take a minute
	c, err := New("package cache", t.TempDir(), files)
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	for i := range files {
		c.put(fmt.Sprintf("%064x", i), small{})
	}
	c.mu.Unlock()
	began := time.Now()
	if err := create(t, c).Reserve(files - 1); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("all builds' downloads waited %s", took)
	}
	if _, newest := c.files[fmt.Sprintf("%064x", files-1)]; len(c.files) != 1 || !newest {
		t.Errorf("%d files are left, want the newest alone", len(c.files))
	}
}

// dyingWriter makes this binary a process that is killed while it downloads.
const dyingWriter = "VIVARIUM_TEST_DYING_WRITER"

func TestFilesLeftByADeadProcessAreRemoved(t *testing.T) {
	if dir := os.Getenv(dyingWriter); dir != "" {
		if _, err := newPartial(dir); err != nil {
			t.Fatal(err)
		}
		p, err := os.FindProcess(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		_ = p.Kill()
		select {}
	}
	dir := t.TempDir()
	other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	other.Env = append(os.Environ(), dyingWriter+"="+dir)
	if err := other.Run(); err == nil || len(ls(t, dir)) != 1 {
		t.Fatalf("control: the other process ended with %v and left %v", err, ls(t, dir))
	}
	mine, err := newPartial(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.discard()
	if _, err := New("package cache", dir, 1<<20); err != nil {
		t.Fatal(err)
	}
	if names := ls(t, dir); len(names) != 1 || names[0] != filepath.Base(mine.Name()) {
		t.Errorf("left: %v, want only what a living process writes", names)
	}
}
