package worktree

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vivarium/cmd/internal/treetest"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

func TestTreeReadsAnIndexOfCompressedNames(t *testing.T) {
	dir := t.TempDir()
	treetest.Git(t, dir, "init", "-q")
	long := strings.Repeat("deep/", 100) + "kept.py"
	treetest.Write(t, filepath.Join(dir, long), "1")
	treetest.Write(t, filepath.Join(dir, "kept.py"), "1")
	treetest.Git(t, dir, "add", ".")
	treetest.Git(t, dir, "update-index", "--index-version", "4")
	treetest.Write(t, filepath.Join(dir, ".gitignore"), "kept.py\n")
	if got, want := sentFiles(t, dir), []string{".gitignore", long, "kept.py"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// compressedIndex is an index in which each name is the one before it and ten more letters.
func compressedIndex(entries byte) []byte {
	b := []byte{'D', 'I', 'R', 'C', 0, 0, 0, 4, 0, 0, entries, 0}
	for range int(entries) << 8 {
		b = append(b, make([]byte, indexEntrySize)...)
		b = append(b, 0)
		b = append(b, "aaaaaaaaaa\x00"...)
	}
	return b
}

func TestIndexWhoseNamesGrowWithoutEndIsRefused(t *testing.T) {
	if err := checkIndex(bytes.NewReader(compressedIndex(1))); err != nil {
		t.Errorf("control: 256 entries are refused: %v", err)
	}
	if err := checkIndex(bytes.NewReader(compressedIndex(80))); err == nil ||
		!strings.Contains(err.Error(), "names are too long") {
		t.Errorf("20480 entries that each add to the name before: got %v, want a refusal", err)
	}
}

// indexOf is an index in the version that git writes by default.
func indexOf(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "index"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	idx := &index.Index{Version: 2}
	for _, name := range names {
		idx.Entries = append(idx.Entries, &index.Entry{Name: name, Mode: filemode.Regular})
	}
	if err := index.NewEncoder(f).Encode(idx); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestIndexThatNamesFoldersWithoutEndIsRefused(t *testing.T) {
	longest := strings.Repeat("a/", maxIndexName/2-1)
	control, err := readTracked(indexOf(t, longest+"f", "b/f"))
	if err != nil || len(control.folders) != maxIndexName/2 || len(control.files) != 2 {
		t.Errorf("control: %d folders, %d files, %v", len(control.folders), len(control.files), err)
	}
	if _, err := readTracked(indexOf(t, strings.Repeat("a/", 100_000)+"f")); err == nil ||
		!strings.Contains(err.Error(), "more than the 4096") {
		t.Errorf("one name of 200 KB: got %v, want a refusal", err)
	}
	var many []string
	for i := range 2*MaxFiles/maxIndexName + 20 {
		many = append(many, fmt.Sprintf("%d/", i)+longest[:maxIndexName-20]+"f")
	}
	if _, err := readTracked(indexOf(t, many...)); err == nil ||
		!strings.Contains(err.Error(), "more than 1000000 folders") {
		t.Errorf("%d names of the longest: got %v, want a refusal", len(many), err)
	}
}
