package worktree

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"vivarium/cmd/internal/treetest"
)

// TestTreeRunsNoProgramOfItsOwn names programs in every place from which git would run one.
func TestTreeRunsNoProgramOfItsOwn(t *testing.T) {
	dir, mark := t.TempDir(), filepath.Join(t.TempDir(), "ran")
	treetest.Git(t, dir, "init", "-q")
	treetest.Write(t, filepath.Join(dir, "a.py"), "x = 1\n")
	treetest.Write(t, filepath.Join(dir, ".gitattributes"), "*.py filter=evil diff=evil\n")
	treetest.Git(t, dir, "add", ".")
	script := filepath.Join(dir, "evil.sh")
	treetest.Write(t, script, "#!/bin/sh\necho ran >>'"+mark+"'\ncat\n")
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]string{"core.fsmonitor": script, "filter.evil.clean": script,
		"filter.evil.smudge":  script,
		"filter.evil.process": script, "diff.evil.textconv": script, "core.sshCommand": script, "core.pager": script} {
		treetest.Git(t, dir, "config", key, value)
	}
	hook := filepath.Join(dir, ".git", "hooks", "post-index-change")
	treetest.Write(t, hook, "#!/bin/sh\necho ran >>'"+mark+"'\n")
	if err := os.Chmod(hook, 0o755); err != nil {
		t.Fatal(err)
	}

	names := sentFiles(t, dir)
	if want := []string{".gitattributes", "a.py", "evil.sh"}; !slices.Equal(names, want) {
		t.Errorf("sent %q, want %q", names, want)
	}
	untar(t, dir)
	if _, err := os.Stat(mark); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a program of the tree ran: %v", err)
	}
	treetest.Git(t, dir, "ls-files", "--others") // the control: git itself runs one
	if _, err := os.Stat(mark); err != nil {
		t.Errorf("control: git ran nothing: %v", err)
	}
}

func TestTreeSendsTrackedFilesAlsoWhenIgnored(t *testing.T) {
	dir := t.TempDir()
	treetest.Git(t, dir, "init", "-q")
	treetest.Write(t, filepath.Join(dir, "build/tracked.py"), "1")
	treetest.Write(t, filepath.Join(dir, "build/other.py"), "1")
	treetest.Git(t, dir, "add", "-f", "build/tracked.py")
	treetest.Write(t, filepath.Join(dir, ".gitignore"), "build/\n")
	treetest.Write(t, filepath.Join(dir, ".git/info/exclude"), "local.txt\n")
	treetest.Write(t, filepath.Join(dir, "local.txt"), "1")
	treetest.Write(t, filepath.Join(dir, "new.py"), "uncommitted")
	if got, want := sentFiles(t, dir), []string{".gitignore", "build/tracked.py", "new.py"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSubfolderIsSentAloneByTheRulesOfItsParents(t *testing.T) {
	dir := t.TempDir()
	treetest.Git(t, dir, "init", "-q")
	treetest.Write(t, filepath.Join(dir, ".gitignore"), "*.log\n/pkg/skip\n")
	treetest.Write(t, filepath.Join(dir, "outside.py"), "1")
	treetest.Write(t, filepath.Join(dir, "pkg/in.py"), "1")
	treetest.Write(t, filepath.Join(dir, "pkg/in.log"), "1")
	treetest.Write(t, filepath.Join(dir, "pkg/skip/x.py"), "1")
	treetest.Write(t, filepath.Join(dir, "pkg/kept.log"), "1")
	treetest.Git(t, dir, "add", "-f", "pkg/kept.log")
	if got, want := sentFiles(t, filepath.Join(dir, "pkg")), []string{"in.py", "kept.log"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLinkedWorkTreeUsesItsOwnIndex(t *testing.T) {
	dir := t.TempDir()
	main, linked := filepath.Join(dir, "main"), filepath.Join(dir, "linked")
	treetest.Write(t, filepath.Join(main, "tracked.log"), "1")
	treetest.Write(t, filepath.Join(main, ".gitignore"), "*.log\n")
	treetest.Git(t, main, "init", "-q")
	treetest.Git(t, main, "add", "-f", ".")
	treetest.Git(t, main, "commit", "-qm", "one")
	treetest.Git(t, main, "worktree", "add", "-q", linked)
	treetest.Write(t, filepath.Join(linked, "untracked.log"), "1")
	if got, want := sentFiles(t, linked), []string{".gitignore", "tracked.log"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEmptyPlaceOfASubmoduleIsSent: a checkout of the commit has it too, and the plan names it.
func TestEmptyPlaceOfASubmoduleIsSent(t *testing.T) {
	dir := t.TempDir()
	treetest.Git(t, dir, "init", "-q")
	treetest.Write(t, filepath.Join(dir, "a.py"), "1")
	treetest.Git(t, dir, "add", ".")
	for _, name := range []string{"vendored", "deep/below"} {
		treetest.Git(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+","+name)
	}
	for _, name := range []string{"vendored", "deep/below", "empty"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := sentFolders(t, dir), []string{"deep/", "deep/below/", "vendored/"}; !slices.Equal(got, want) {
		t.Errorf("sent the folders %q, want %q", got, want)
	}
}

func TestLinksAreSentAsSuchAndNothingFromOutside(t *testing.T) {
	dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	treetest.Write(t, secret, "outside-canary")
	treetest.Write(t, filepath.Join(dir, "a.py"), "inside-canary")
	for name, target := range map[string]string{"out": secret, "in": "a.py", "dangling": "nowhere",
		"folder": filepath.Dir(secret)} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	links, content := untar(t, dir)
	if links["out"] != secret || links["in"] != "a.py" || links["dangling"] != "nowhere" || len(links) != 4 {
		t.Errorf("links %q", links)
	}
	if !strings.Contains(content, "inside-canary") {
		t.Error("control: the tree's own file is missing")
	}
	if strings.Contains(content, "outside-canary") {
		t.Error("a file outside of the tree was sent")
	}
}

func TestTreeLargerThanTheDiskIsRefused(t *testing.T) {
	dir := t.TempDir()
	treetest.Write(t, filepath.Join(dir, "big"), strings.Repeat("x", 2000))
	_, err := Open(dir, Limits{Bytes: 1000, Files: 10})
	if err == nil || !strings.Contains(err.Error(), "VIVARIUM_DISK") {
		t.Errorf("got %v", err)
	}
	if _, err := Open(dir, Limits{Bytes: 2000, Files: 10}); err != nil {
		t.Errorf("control: %v", err)
	}
}

func TestTreeWithoutABottomIsRefused(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for range maxIndexName/256 + 1 { // too deep to be made by one path
		name := strings.Repeat("d", 255)
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chdir(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("file", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	limits := Limits{Bytes: 1000, Files: 100}
	if _, err := Open(dir, limits); err == nil || !strings.Contains(err.Error(), "more than 4096 bytes") {
		t.Errorf("got %v", err)
	}
	treetest.Write(t, filepath.Join(dir, ".gitignore"), "ddd*\n")
	if w, err := Open(dir, limits); err != nil {
		t.Errorf("control: %v", err)
	} else {
		w.Close()
	}
}

// untar sends a folder and gives its links, and the contents of all its files together.
func untar(t *testing.T, dir string) (links map[string]string, content string) {
	t.Helper()
	w, err := Open(dir, Limits{Bytes: 1 << 30, Files: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r, err := w.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	links = map[string]string{}
	var all strings.Builder
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return links, all.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeSymlink {
			links[h.Name] = h.Linkname
		}
		if _, err := io.Copy(&all, tr); err != nil {
			t.Fatal(err)
		}
	}
}
