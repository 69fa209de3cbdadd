package main

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
)

// TestTreeRunsNoProgramOfItsOwn names programs in every place where git would run some.
func TestTreeRunsNoProgramOfItsOwn(t *testing.T) {
	dir, mark := t.TempDir(), filepath.Join(t.TempDir(), "ran")
	git(t, dir, "init", "-q")
	write(t, filepath.Join(dir, "a.py"), "x = 1\n")
	write(t, filepath.Join(dir, ".gitattributes"), "*.py filter=evil diff=evil\n")
	git(t, dir, "add", ".")
	script := filepath.Join(dir, "evil.sh")
	write(t, script, "#!/bin/sh\necho ran >>'"+mark+"'\ncat\n")
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]string{"core.fsmonitor": script, "filter.evil.clean": script, "filter.evil.smudge": script,
		"filter.evil.process": script, "diff.evil.textconv": script, "core.sshCommand": script, "core.pager": script} {
		git(t, dir, "config", key, value)
	}
	hook := filepath.Join(dir, ".git", "hooks", "post-index-change")
	write(t, hook, "#!/bin/sh\necho ran >>'"+mark+"'\n")
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
	git(t, dir, "ls-files", "--others") // the control: git itself runs one
	if _, err := os.Stat(mark); err != nil {
		t.Errorf("control: git ran nothing: %v", err)
	}
}

func TestTreeSendsTrackedFilesAlsoWhenIgnored(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	write(t, filepath.Join(dir, "build/tracked.py"), "1")
	write(t, filepath.Join(dir, "build/other.py"), "1")
	git(t, dir, "add", "-f", "build/tracked.py")
	write(t, filepath.Join(dir, ".gitignore"), "build/\n")
	write(t, filepath.Join(dir, ".git/info/exclude"), "local.txt\n")
	write(t, filepath.Join(dir, "local.txt"), "1")
	write(t, filepath.Join(dir, "new.py"), "uncommitted")
	if got, want := sentFiles(t, dir), []string{".gitignore", "build/tracked.py", "new.py"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSubfolderIsSentAloneByTheRulesOfItsParents(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	write(t, filepath.Join(dir, ".gitignore"), "*.log\n/pkg/skip\n")
	write(t, filepath.Join(dir, "outside.py"), "1")
	write(t, filepath.Join(dir, "pkg/in.py"), "1")
	write(t, filepath.Join(dir, "pkg/in.log"), "1")
	write(t, filepath.Join(dir, "pkg/skip/x.py"), "1")
	write(t, filepath.Join(dir, "pkg/kept.log"), "1")
	git(t, dir, "add", "-f", "pkg/kept.log")
	if got, want := sentFiles(t, filepath.Join(dir, "pkg")), []string{"in.py", "kept.log"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLinkedWorkTreeUsesItsOwnIndex(t *testing.T) {
	dir := t.TempDir()
	main, linked := filepath.Join(dir, "main"), filepath.Join(dir, "linked")
	write(t, filepath.Join(main, "tracked.log"), "1")
	write(t, filepath.Join(main, ".gitignore"), "*.log\n")
	git(t, main, "init", "-q")
	git(t, main, "add", "-f", ".")
	git(t, main, "commit", "-qm", "one")
	git(t, main, "worktree", "add", "-q", linked)
	write(t, filepath.Join(linked, "untracked.log"), "1")
	if got, want := sentFiles(t, linked), []string{".gitignore", "tracked.log"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLinksAreSentAsSuchAndNothingFromOutside(t *testing.T) {
	dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	write(t, secret, "outside-canary")
	write(t, filepath.Join(dir, "a.py"), "inside-canary")
	for name, target := range map[string]string{"out": secret, "in": "a.py", "dangling": "nowhere", "folder": filepath.Dir(secret)} {
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
	write(t, filepath.Join(dir, "big"), strings.Repeat("x", 2000))
	_, err := openWorkTree(dir, treeLimits{bytes: 1000, files: 10})
	if err == nil || !strings.Contains(err.Error(), "VIVARIUM_DISK") {
		t.Errorf("got %v", err)
	}
	if _, err := openWorkTree(dir, treeLimits{bytes: 2000, files: 10}); err != nil {
		t.Errorf("control: %v", err)
	}
}

func TestTreeWithoutABottomIsRefused(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for range maxIndexName/256 + 1 { // one path could not make it
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
	limits := treeLimits{bytes: 1000, files: 100}
	if _, err := openWorkTree(dir, limits); err == nil || !strings.Contains(err.Error(), "more than 4096 bytes") {
		t.Errorf("got %v", err)
	}
	write(t, filepath.Join(dir, ".gitignore"), "ddd*\n")
	if w, err := openWorkTree(dir, limits); err != nil {
		t.Errorf("control: %v", err)
	} else {
		w.Close()
	}
}

// untar sends a folder and gives its links and all its files' contents together.
func untar(t *testing.T, dir string) (links map[string]string, content string) {
	t.Helper()
	w, err := openWorkTree(dir, treeLimits{bytes: 1 << 30, files: 1 << 20})
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
