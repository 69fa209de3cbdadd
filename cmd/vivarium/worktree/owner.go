package worktree

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	gitconfig "github.com/go-git/go-git/v5/plumbing/format/config"
)

// checkOwn refuses a git folder that is not the work tree's own. The .git of a stranger's tree may
// be a link to any repository of the user's, whose commits a build would then see. A folder elsewhere
// is believed if it names the work tree itself, as git writes it: that of a further work tree in its
// file gitdir, that of a submodule as core.worktree.
func checkOwn(top, dir, common string) error {
	own := filepath.Join(top, ".git")
	info, err := os.Lstat(own)
	if err != nil || info.IsDir() {
		return err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return err
	}
	if common, err = filepath.EvalSymlinks(common); err != nil {
		return err
	}
	switch {
	case dir == common && same(worktreeOf(dir), top):
		return nil
	case filepath.Dir(dir) == filepath.Join(common, "worktrees") && same(backlink(dir), own):
		return nil
	}
	return fmt.Errorf("%s leads to %s, which does not name it as its own", own, dir)
}

// same reports whether two paths, of which the first may be empty, lead to one file.
func same(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// backlink is the .git of the further work tree to which dir belongs; empty where there is none.
func backlink(dir string) string {
	data, err := readBounded(filepath.Join(dir, "gitdir"), maxIgnoreFile)
	if err != nil {
		return ""
	}
	return within(dir, strings.TrimSpace(string(data)))
}

// worktreeOf is the work tree of a submodule whose git folder is dir; empty where it names none.
func worktreeOf(dir string) string {
	data, err := readBounded(filepath.Join(dir, "config"), maxIgnoreFile)
	c := gitconfig.New()
	if err != nil || gitconfig.NewDecoder(bytes.NewReader(data)).Decode(c) != nil {
		return ""
	}
	if named := c.Section("core").Option("worktree"); named != "" {
		return within(dir, named)
	}
	return ""
}
