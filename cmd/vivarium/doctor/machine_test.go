package doctor

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vivarium/cmd/vivarium/datadir"
)

// dataDirWith makes a folder of a mode with these files.
func dataDirWith(t *testing.T, mode fs.FileMode, files ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return dir
}

func TestTheDataFolderIsItsOwnersAlone(t *testing.T) {
	for _, c := range []struct {
		mode    fs.FileMode
		files   []string
		refused bool
		doctor  string // part of its output
	}{
		{0o700, nil, false, ""},
		{0o755, nil, false, "do   data"},
		{0o770, []string{datadir.InstanceFile, "notes"}, false, "do   data"},
		{0o711, []string{datadir.DatabaseFile}, false, "do   data"},
		{0o755, []string{"notes"}, true, "FAIL data"},
		{0o777 | fs.ModeSticky, nil, true, "FAIL data"},
		{0o700, []string{"notes"}, false, ""},
	} {
		dir := dataDirWith(t, c.mode, c.files...)
		var out bytes.Buffer
		privacy(New(func(f Finding) { fmt.Fprintf(&out, "%-4s %s %s\n", f.Level, f.What, f.Text) }), dir)
		if got := out.String(); (got == "") != (c.doctor == "") || !strings.Contains(got, c.doctor) ||
			got != "" && !strings.Contains(got, "chmod 700 "+dir) {
			t.Errorf("%v with %q: doctor says %q, want %q", c.mode, c.files, got, c.doctor)
		}
		err := datadir.Make(dir)
		if (err != nil) != c.refused || err != nil && !strings.Contains(err.Error(), "run: chmod 700 "+dir) {
			t.Errorf("%v with %q: got %v, want it refused: %v", c.mode, c.files, err, c.refused)
		}
		want := fs.FileMode(0o700)
		if c.refused {
			want = c.mode.Perm()
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != want {
			t.Errorf("%v with %q: now it has mode %v, want %v (%v)", c.mode, c.files, info.Mode(), want, err)
		}
	}
}

func TestANewDataFolderIsItsOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "data")
	if err := datadir.Make(dir); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Dir(dir)} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: got %v, %v; want 0700", path, info.Mode(), err)
		}
	}
}
