package sandbox_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"vivarium/sandbox"
)

func tarOf(t *testing.T, headers ...tar.Header) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg && h.Size == 0 {
			h.Size = int64(len(h.Name))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, h.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestArchiveComesBackAsItWasPut(t *testing.T) {
	s := start(t, nil)
	when := time.Unix(1700000000, 0)
	in := tarOf(t,
		tar.Header{Name: "locked/", Typeflag: tar.TypeDir, Mode: 0o555},
		tar.Header{Name: "locked/run.sh", Typeflag: tar.TypeReg, Mode: 0o4755, ModTime: when},
		tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		tar.Header{Name: "caf\xe9", Typeflag: tar.TypeReg, Mode: 0o644})
	if err := s.PutArchive(t.Context(), sandbox.Workspace, in); err != nil {
		t.Fatal(err)
	}
	// Python, since coreutils' stat and ls call statx in a way that gVisor refuses.
	look := python(
		"import os\ns = os.stat('locked/run.sh')\nprint(oct(s.st_mode)[-3:], int(s.st_mtime), flush=True)\n" +
			"os.system('cat locked/run.sh; readlink link')",
	)
	if got := mustRun(t, s, look); got != "755 1700000000\nlocked/run.sh/etc/passwd\n" {
		t.Errorf("in the sandbox stands %q", got)
	}
	r, err := s.Archive(t.Context(), sandbox.Workspace, ".")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var names []string
	entries := tar.NewReader(r)
	for {
		h, err := entries.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
	if want := []string{"./", "caf\xe9", "link", "locked/", "locked/run.sh"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestPutArchiveReachesWhatIsInAClosedDirectory(t *testing.T) {
	s := start(t, nil)
	var headers []tar.Header
	for name := "a"; len(name) < 40; name += "/a" {
		headers = append(headers, tar.Header{Name: name + "/", Typeflag: tar.TypeDir, Mode: 0o600})
	}
	if err := s.PutArchive(t.Context(), sandbox.Workspace, tarOf(t, headers...)); err != nil {
		t.Error(err)
	}
}

func TestPutArchiveRefusesToLeaveItsDirectory(t *testing.T) {
	s := start(t, nil)
	for name, in := range map[string]*bytes.Buffer{
		"upwards": tarOf(t, tar.Header{Name: "../x", Typeflag: tar.TypeReg}),
		"through a link": tarOf(t, tar.Header{
			Name:     "l",
			Typeflag: tar.TypeSymlink,
			Linkname: "/tmp",
		}, tar.Header{Name: "l/x", Typeflag: tar.TypeReg}),
		"by a hard link":   tarOf(t, tar.Header{Name: "h", Typeflag: tar.TypeLink, Linkname: "../etc/passwd"}),
		"as a device":      tarOf(t, tar.Header{Name: "d", Typeflag: tar.TypeChar}),
		"as the directory": tarOf(t, tar.Header{Name: ".", Typeflag: tar.TypeReg}),
	} {
		var refused *sandbox.GuestError
		if err := s.PutArchive(t.Context(), sandbox.Workspace, in); !errors.As(err, &refused) {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
	if got := mustRun(t, s, shell("ls -A /tmp")); got != "workspace\n" {
		t.Errorf("beside the directory stands %q", got)
	}
}

func TestPutArchiveReportsWhatItCouldNotRead(t *testing.T) {
	s := start(t, nil)
	broken := errors.New("no more")
	in := io.MultiReader(tarOf(t, tar.Header{Name: "a", Typeflag: tar.TypeReg}), iotest.ErrReader(broken))
	if err := s.PutArchive(t.Context(), sandbox.Workspace, in); !errors.Is(err, broken) {
		t.Errorf("got %v, want the reader's error", err)
	}
}

func TestPutArchiveStopsAtAFullDisk(t *testing.T) {
	s := start(t, func(sp *sandbox.Spec) { sp.Limits.FileSize = 1 << 30 })
	var head bytes.Buffer
	if err := tar.NewWriter(&head).WriteHeader(&tar.Header{
		Name:     "big",
		Typeflag: tar.TypeReg,
		Size:     1 << 40,
	}); err != nil {
		t.Fatal(err)
	}
	err := s.PutArchive(t.Context(), sandbox.Workspace, io.MultiReader(&head, zeros{}))
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("got %v, want no space left", err)
	}
}

func TestArchiveCanBeGivenUp(t *testing.T) {
	s := start(t, nil)
	mustRun(t, s, shell("head -c 50000000 /dev/zero > big"))
	r, err := s.Archive(t.Context(), sandbox.Workspace, "big")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, r, 1000); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	mustRun(t, s, shell("true"))
}

func TestArchiveOfWhatIsNotThereFails(t *testing.T) {
	s := start(t, nil)
	for _, path := range []string{"nothing", "../etc"} {
		r, err := s.Archive(t.Context(), sandbox.Workspace, path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r); err == nil {
			t.Errorf("%s: no error", path)
		}
		r.Close()
	}
}

func TestSurveyIsBoundedAndFollowsNoLinks(t *testing.T) {
	s := start(t, nil)
	mustRun(t, s, shell(`
mkdir -p a/b .git c/.git
echo "[project]" > pyproject.toml; echo deep > a/b/requirements.txt; echo secret > .git/config
ln -s /etc/passwd requirements.txt; ln -s / root; mkfifo setup.py
head -c 5000 /dev/zero > a/requirements.txt`))
	q := sandbox.SurveyQuery{Dir: sandbox.Workspace, MaxFiles: 100}
	got, err := s.Survey(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	want := []sandbox.File{
		{Path: "a", Dir: true},
		{Path: "a/b", Dir: true},
		{Path: "a/b/requirements.txt", Size: 5},
		{Path: "a/requirements.txt", Size: 5000},
		{Path: "c", Dir: true},
		{Path: "pyproject.toml", Size: 10},
		{Path: "requirements.txt", Link: "/etc/passwd"},
		{Path: "root", Link: "/"},
		{Path: "setup.py"},
	}
	if !slices.Equal(got.Files, want) || got.Truncated {
		t.Errorf("got %+v, truncated %t; want %+v", got.Files, got.Truncated, want)
	}
	q.MaxFiles = 3
	if got, err := s.Survey(t.Context(), q); err != nil || len(got.Files) != 3 || !got.Truncated {
		t.Errorf("with at most 3 files: %+v, %v", got, err)
	}
}

func TestSurveyGoesNoDeeperThanAskedFor(t *testing.T) {
	s := start(t, nil)
	mustRun(t, s, shell("mkdir -p a/b/c; touch a/one a/b/two a/b/c/three"))
	for depth, want := range map[int]string{0: "a a/b a/b/c a/b/c/three a/b/two a/one", 1: "a", 2: "a a/b a/one"} {
		got, err := s.Survey(t.Context(), sandbox.SurveyQuery{Dir: sandbox.Workspace, MaxFiles: 100, Depth: depth})
		if err != nil || got.Truncated {
			t.Fatalf("depth %d: truncated %t, %v", depth, got.Truncated, err)
		}
		var paths []string
		for _, f := range got.Files {
			paths = append(paths, f.Path)
		}
		if text := strings.Join(paths, " "); text != want {
			t.Errorf("depth %d: got %s, want %s", depth, text, want)
		}
	}
}

func TestReadIsBoundedAndFollowsNoLinks(t *testing.T) {
	s := start(t, nil)
	mustRun(t, s, shell(`
mkdir -p a/b
echo "[project]" > pyproject.toml; echo deep > a/b/requirements.txt; echo closed > closed; chmod 0 closed
ln -s /etc/passwd requirements.txt; ln -s a/b/requirements.txt inside; ln -s / root; mkfifo setup.py
head -c 5000 /dev/zero > large; echo more > z`))
	got, err := s.Read(t.Context(), sandbox.ReadQuery{
		Dir: sandbox.Workspace,
		Paths: []string{
			"pyproject.toml", "a/b/requirements.txt", "closed", "requirements.txt", "inside", "root",
			"root/etc/passwd", "../etc/passwd", "/etc/passwd", "setup.py", "large", "a", "nothing", "z",
		},
		MaxBytes: 1000,
		MaxTotal: 17,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"pyproject.toml": "[project]\n", "a/b/requirements.txt": "deep\n"}
	if len(got) != len(want) {
		t.Errorf("got %q, want %q", got, want) // with z the total would be too large
	}
	for name, text := range want {
		if string(got[name]) != text {
			t.Errorf("%s: got %q, want %q", name, got[name], text)
		}
	}
}
