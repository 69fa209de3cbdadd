package egresstest

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func git(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "git", args...)
	c.Dir = dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0"}
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestGitHostServesExactlyTheCommittedTree(t *testing.T) {
	h := GitHostFor(t, GitHostConfig{})
	shas, err := h.Commit(
		t.Context(),
		"octo/demo",
		Commit{Files: map[string]string{"a.txt": "one", "gone.txt": "x"}},
		Commit{Branch: "side", Files: map[string]string{"s": "side"}},
		Commit{
			Files:    map[string]string{"a.txt": "two", `d/"q" \.txt`: "quoted"},
			Symlinks: map[string]string{"l": "a.txt"},
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	if len(shas) != 3 {
		t.Fatalf("got %d SHAs, want 3: %v", len(shas), shas)
	}
	more, err := h.Commit(t.Context(), "octo/demo", Commit{Files: map[string]string{"a.txt": "three"}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if out, err := git(t, dir, "clone", "-q", h.RepoURL("octo/demo").String(), "c"); err != nil {
		t.Fatalf("clone: %v: %s", err, out)
	}
	clone := filepath.Join(dir, "c")
	if out, err := git(t, clone, "rev-list", "--reverse", "HEAD"); err != nil ||
		out != strings.Join([]string{shas[0], shas[2], more[0]}, "\n") {
		t.Errorf("history is %q (%v), want %v", out, err, []string{shas[0], shas[2], more[0]})
	}
	if out, err := git(t, clone, "ls-tree", "-rz", "--name-only", shas[2]); err != nil ||
		out != "a.txt\x00d/\"q\" \\.txt\x00l\x00" {
		t.Errorf("tree is %q (%v)", out, err)
	}
	if out, err := git(t, clone, "show", shas[2]+":a.txt"); err != nil || out != "two" {
		t.Errorf("a.txt is %q (%v), want two", out, err)
	}
}

func TestGitHostAsksForItsToken(t *testing.T) {
	h := GitHostFor(t, GitHostConfig{Token: "s3cret-token"})
	if _, err := h.Commit(t.Context(), "octo/demo", Commit{Files: map[string]string{"a": "1"}}); err != nil {
		t.Fatal(err)
	}
	u := h.RepoURL("octo/demo")
	if out, err := git(t, t.TempDir(), "ls-remote", u.String()); err == nil {
		t.Errorf("without the token the host answered %q", out)
	}
	withToken := strings.Replace(u.String(), "http://", "http://x-access-token:s3cret-token@", 1)
	if out, err := git(t, t.TempDir(), "ls-remote", withToken); err != nil {
		t.Errorf("with the token: %v: %s", err, out)
	}
}

func TestGitHostFaultsAndRequestLog(t *testing.T) {
	h := GitHostFor(t, GitHostConfig{})
	h.SetFault(Status(http.StatusNotFound))
	res, err := http.Get(h.URL() + "/octo/none.git/info/refs")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("status %d, want 404", res.StatusCode)
	}
	h.SetFault(Drop)
	if res, err := http.Get(h.URL() + "/"); err == nil {
		res.Body.Close()
		t.Error("Drop answered")
	}
	if got := len(h.Requests()); got < 2 {
		t.Errorf("%d requests logged, want at least 2", got)
	}
}

func TestCommitRefusesNamesOutsideTheRoot(t *testing.T) {
	h := GitHostFor(t, GitHostConfig{})
	for _, name := range []string{"demo", "../x/y", "a/../b", "/a/b", "a/b/c", ""} {
		if _, err := h.Commit(t.Context(), name, Commit{}); err == nil {
			t.Errorf("%q was taken for a repository's name", name)
		}
	}
}
