package worktree

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzGitIndex holds that a stranger's index is read or refused, and names no more than it has
// bytes for.
func FuzzGitIndex(f *testing.F) {
	f.Add(compressedIndex(0))
	f.Add(append([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x01"), make([]byte, indexEntrySize+10)...))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, in []byte) {
		if err := os.WriteFile(filepath.Join(dir, "index"), in, 0o600); err != nil {
			t.Fatal(err)
		}
		tracked, err := readTracked(dir)
		if err == nil && len(tracked.files) > len(in)/indexEntrySize {
			t.Errorf("%d files in %d bytes", len(tracked.files), len(in))
		}
	})
}

// FuzzIgnore holds that any text is read as ignore rules, and that the last rule decides.
func FuzzIgnore(f *testing.F) {
	f.Add("*.py[cod]\n!keep.pyc\n/build/\n", "", "a.pyc", false)
	f.Add("**/x/**\n[!a-\\]]?\n\\#\\ \n[[:alpha:]]", "sub", "sub/x/y", true)
	f.Fuzz(func(t *testing.T, content, folder, name string, dir bool) {
		parseIgnore(folder, content).ignores(name, dir)
		for last, want := range map[string]bool{"\n*": true, "\n!*": false} {
			if name == "" || strings.HasSuffix(name, "/") {
				continue // no tree gives such a name
			}
			if got := parseIgnore("", content+last).ignores(name, dir); got != want {
				t.Errorf("%q after %q: ignored is %v", last, content, got)
			}
		}
	})
}
