package worktree

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vivarium/cmd/internal/treetest"
)

// committed is a repository with one commit.
func committed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	treetest.Git(t, dir, "init", "-q")
	treetest.Write(t, filepath.Join(dir, "a.py"), "x = 1\n")
	treetest.Git(t, dir, "add", ".")
	treetest.Git(t, dir, "-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "first")
	return dir
}

func historyError(t *testing.T, dir string) error {
	t.Helper()
	w, err := Open(dir, Limits{Files: 1000, Bytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	stream, err := w.History()(t.Context())
	if err == nil {
		stream.Close()
	}
	return err
}

func TestHistoryIsNotThatOfARepositoryWhichATreeNames(t *testing.T) {
	secret := filepath.Join(committed(t), ".git")
	for name, make := range map[string]func(dir string) error{
		"a file": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, ".git"), []byte("gitdir: "+secret+"\n"), 0o644)
		},
		"a link": func(dir string) error { return os.Symlink(secret, filepath.Join(dir, ".git")) },
		"a folder that shares": func(dir string) error {
			head, err := os.ReadFile(filepath.Join(secret, "HEAD"))
			if err != nil {
				return err
			}
			treetest.Write(t, filepath.Join(dir, "evil/HEAD"), string(head))
			treetest.Write(t, filepath.Join(dir, "evil/commondir"), secret+"\n")
			treetest.Write(t, filepath.Join(dir, "evil/gitdir"), "../.git\n")
			treetest.Write(t, filepath.Join(dir, "evil/config"), "[core]\n\tworktree = ..\n")
			return os.WriteFile(filepath.Join(dir, ".git"), []byte("gitdir: evil\n"), 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := make(dir); err != nil {
				t.Fatal(err)
			}
			if err := historyError(t, dir); err == nil || !strings.Contains(err.Error(), "does not name it") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestHistoryIsThereInEveryKindOfWorkTree is the control.
func TestHistoryIsThereInEveryKindOfWorkTree(t *testing.T) {
	whole := committed(t)
	further := filepath.Join(t.TempDir(), "further")
	treetest.Git(t, whole, "worktree", "add", "-q", further)
	treetest.Git(t, whole, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", whole, "sub")
	for name, dir := range map[string]string{
		"a repository": whole, "a further work tree": further, "a submodule": filepath.Join(whole, "sub"),
	} {
		if err := historyError(t, dir); err != nil {
			t.Error(fmt.Errorf("%s: %w", name, err))
		}
	}
}
