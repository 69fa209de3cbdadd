package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTreeReadsAnIndexOfCompressedNames(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	long := strings.Repeat("deep/", 100) + "kept.py"
	write(t, filepath.Join(dir, long), "1")
	write(t, filepath.Join(dir, "kept.py"), "1")
	git(t, dir, "add", ".")
	git(t, dir, "update-index", "--index-version", "4")
	write(t, filepath.Join(dir, ".gitignore"), "kept.py\n")
	if got, want := sentFiles(t, dir), []string{".gitignore", long, "kept.py"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// compressedIndex is an index in which each name is the one before it and ten letters more.
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
	if err := checkIndex(bytes.NewReader(compressedIndex(80))); err == nil || !strings.Contains(err.Error(), "names are too long") {
		t.Errorf("20480 entries that each add to the name before: got %v, want a refusal", err)
	}
}
