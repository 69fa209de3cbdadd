package history_test

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vivarium/cmd/internal/treetest"
	"vivarium/cmd/vivarium/worktree/history"
)

// repository is one with a release, a commit after it, a branch beside it, and a program that its
// configuration names.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	treetest.Git(t, dir, "init", "-q", "-b", "main")
	commit := func(name, text string) {
		treetest.Write(t, filepath.Join(dir, name), text)
		treetest.Git(t, dir, "add", ".")
		treetest.Git(t, dir, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", name)
	}
	commit("a.py", "x = 1\n")
	treetest.Git(t, dir, "-c", "user.name=a", "-c", "user.email=a@example.com", "tag", "-a", "-m", "r", "v1.2")
	treetest.Git(t, dir, "tag", "light")
	treetest.Git(t, dir, "branch", "side")
	commit("pkg/b.py", strings.Repeat("y = 2\n", 1000))
	treetest.Git(t, dir, "checkout", "-q", "side")
	commit("c.py", "z = 3\n")
	treetest.Git(t, dir, "tag", "v9")
	treetest.Git(t, dir, "checkout", "-q", "main")
	treetest.Git(t, dir, "config", "core.fsmonitor", "/nowhere/evil")
	return dir
}

// rebuilt is a work tree with the same files and the history of dir.
func rebuilt(t *testing.T, dir string) string {
	t.Helper()
	stream, err := history.Open(filepath.Join(dir, ".git"), filepath.Join(dir, ".git"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	to := t.TempDir()
	in := tar.NewReader(stream)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		treetest.Write(t, filepath.Join(to, h.Name), string(data))
	}
	treetest.Git(t, to, "init", "-q", "--template=")
	treetest.Git(t, to, "index-pack", ".git/"+history.PackFile)
	treetest.Git(t, to, "read-tree", "HEAD")
	treetest.Git(t, to, "checkout-index", "-a")
	return to
}

func ask(t *testing.T, dir string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "git", args...)
	c.Dir, c.Env = dir, append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestHistoryTellsWhatTheRepositoryDoes(t *testing.T) {
	dir := repository(t)
	to := rebuilt(t, dir)
	for _, args := range [][]string{
		{"describe", "--tags", "--dirty", "--long"}, {"rev-parse", "HEAD"}, {"log", "--format=%H %s"}, {"ls-files"},
		{"describe", "--tags", "--match", "light"}, {"cat-file", "-p", "v1.2"},
	} {
		want := ask(t, dir, append([]string{"-c", "core.fsmonitor=false"}, args...)...)
		if got := ask(t, to, args...); got != want {
			t.Errorf("git %q: got %q, want %q", args, got, want)
		}
	}
	treetest.Write(t, filepath.Join(to, "a.py"), "x = 2\n")
	if got := ask(t, to, "describe", "--tags", "--dirty"); !strings.HasSuffix(got, "-dirty") {
		t.Errorf("a changed file is not seen: %s", got)
	}
}

func TestHistoryLeavesBehindWhatIsNotHeads(t *testing.T) {
	to := rebuilt(t, repository(t))
	refs := strings.Fields(ask(t, to, "for-each-ref", "--format=%(refname)"))
	if want := []string{"refs/tags/light", "refs/tags/v1.2"}; !slices.Equal(refs, want) {
		t.Errorf("refs %q, want %q", refs, want)
	}
	if config := ask(t, to, "config", "--local", "--list"); strings.Contains(config, "fsmonitor") {
		t.Errorf("its configuration came along:\n%s", config)
	}
}

func TestHistoryOfAShallowRepositoryEndsWhereItDoes(t *testing.T) {
	shallow := filepath.Join(t.TempDir(), "clone")
	treetest.Git(t, filepath.Dir(shallow), "clone", "-q", "--depth=1", "file://"+repository(t), shallow)
	to := rebuilt(t, shallow)
	if got := ask(t, to, "rev-list", "--count", "HEAD"); got != "1" {
		t.Errorf("got %s commits, want 1", got)
	}
}

func TestHistoryIsBoundedAndSaysWhatIsWrong(t *testing.T) {
	dir := filepath.Join(repository(t), ".git")
	if _, err := history.Open(dir, dir, 100); err == nil || !strings.Contains(err.Error(), "it holds more than") {
		t.Errorf("got %v", err)
	}
	none := t.TempDir()
	if _, err := history.Open(none, none, 1<<20); err == nil || !strings.Contains(err.Error(), "find HEAD") {
		t.Errorf("got %v", err)
	}
	secret := filepath.Join(repository(t), ".git")
	head, err := os.ReadFile(filepath.Join(secret, "refs/heads/main"))
	if err != nil {
		t.Fatal(err)
	}
	// Another repository's objects are not had by naming that repository.
	thief := filepath.Join(t.TempDir(), ".git")
	treetest.Write(t, filepath.Join(thief, "HEAD"), string(head))
	treetest.Write(t, filepath.Join(thief, "objects/info/alternates"), filepath.Join(secret, "objects")+"\n")
	if err := os.Symlink(filepath.Join(secret, "objects/pack"), filepath.Join(thief, "objects/pack")); err != nil {
		t.Fatal(err)
	}
	if stream, err := history.Open(thief, thief, 1<<20); err == nil {
		stream.Close()
		t.Error("another repository's objects were taken")
	}
}
