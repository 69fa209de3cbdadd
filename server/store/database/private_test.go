package database

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestNoOtherUserCanOpenTheDatabase: who can read vivarium.db-shm can lock it, and so stop every write.
func TestNoOtherUserCanOpenTheDatabase(t *testing.T) {
	dir := t.TempDir()
	modes := func() (found map[string]fs.FileMode) {
		t.Helper()
		found = make(map[string]fs.FileMode)
		for _, name := range []string{sqliteFile, sqliteFile + "-wal", sqliteFile + "-shm"} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			found[name] = info.Mode().Perm()
		}
		return found
	}
	expect := func(when string) {
		t.Helper()
		for name, mode := range modes() {
			if mode != 0o600 {
				t.Errorf("%s: %s has mode %o, want 600", when, name, mode)
			}
		}
	}
	openDB(t, Options{DataDir: dir})
	expect("made anew")
	for name := range modes() {
		if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	openDB(t, Options{DataDir: dir}) // the first one's files stay with it
	expect("made by an older version")
}
