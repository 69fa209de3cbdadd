package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"vivarium/cmd/vivarium/datadir"
)

// TestFirstKeyCountsForAllThatBeginAtOnce: if another process replaced the key, a webhook's secret
// derived from the first one would open nothing.
func TestFirstKeyCountsForAllThatBeginAtOnce(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		keys, ids := make([]string, 8), make([]string, 8)
		var all sync.WaitGroup
		for i := range keys {
			all.Go(func() {
				key, err := operatorKey(config{dataDir: dir})
				if err != nil {
					t.Error(err)
				}
				keys[i] = string(key)
				if ids[i], err = datadir.Instance(dir); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		key, err := operatorKey(config{dataDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		id, err := datadir.Instance(dir)
		if err != nil {
			t.Fatal(err)
		}
		for i := range keys {
			if keys[i] != string(key) || ids[i] != id {
				t.Fatalf("process %d has the key %q and the instance %q, the files hold %q and %q",
					i, keys[i], ids[i], key, id)
			}
		}
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) != 2 {
			t.Errorf("left behind: %v, %v", files, err)
		}
		for _, file := range files {
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v; want it for its owner alone", file, info.Mode(), err)
			}
		}
	}
}

// TestALostKeyIsNotReplacedUnasked: with another key every delivery would be refused, and nothing
// would say why.
func TestALostKeyIsNotReplacedUnasked(t *testing.T) {
	c := config{dataDir: t.TempDir()}
	key, err := operatorKey(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dataDir, datadir.DatabaseFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := operatorKey(c); err != nil || string(again) != string(key) {
		t.Fatalf("control: beside the database the key is %q, %v", again, err)
	}
	file := filepath.Join(c.dataDir, "key")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if another, err := operatorKey(c); err == nil || !strings.Contains(err.Error(), "put the key back") {
		t.Errorf("without its file the key is %q, %v", another, err)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key was made: %v", err)
	}
}
