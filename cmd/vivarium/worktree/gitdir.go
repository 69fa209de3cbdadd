package worktree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitconfig "github.com/go-git/go-git/v5/plumbing/format/config"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// Only files with names known beforehand are read of a git work tree, as data: its index and its
// ignore files. Its configuration is not read, and no program runs in it: even `git ls-files` runs
// what a tree's own core.fsmonitor names.
const (
	maxIndex      = 256 << 20
	maxIgnoreFile = 1 << 20
	// maxRules bounds the patterns that apply in one folder, in bytes. Each byte may take up to 600
	// bytes of memory.
	maxRules = 1 << 20
)

// findTop is the nearest folder from dir upwards that holds .git, or dir when there is none.
func findTop(dir string) (top string, isGit bool) {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at, true
		}
		if at == filepath.Dir(at) {
			return dir, false
		}
	}
}

// gitDir finds the folder of a work tree's own git files, and the folder, common, of those that it
// shares with other work trees of the same repository.
func gitDir(top string) (dir, common string, err error) {
	dir = filepath.Join(top, ".git")
	if info, err := os.Stat(dir); err != nil || info.IsDir() {
		return dir, dir, err
	}
	link, err := readBounded(dir, maxIgnoreFile)
	if err != nil {
		return "", "", err
	}
	target, ok := strings.CutPrefix(strings.TrimSpace(string(link)), "gitdir: ")
	if !ok {
		return "", "", fmt.Errorf("%s does not name a git directory", dir)
	}
	dir = within(top, target)
	shared, err := readBounded(filepath.Join(dir, "commondir"), maxIgnoreFile)
	if errors.Is(err, fs.ErrNotExist) {
		return dir, dir, nil
	}
	return dir, within(dir, strings.TrimSpace(string(shared))), err
}

func within(base, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(base, name)
}

// tracked holds the names of an index: files, submodules, and the folders above both. They are
// relative to the top of the work tree, with slashes.
type tracked struct{ files, modules, folders map[string]bool }

func readTracked(gitDir string) (tracked, error) {
	t := tracked{files: map[string]bool{}, modules: map[string]bool{}, folders: map[string]bool{}}
	f, err := openRegular(filepath.Join(gitDir, "index"))
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil // nothing was added yet
	}
	if err != nil {
		return t, err
	}
	defer f.Close()
	if err := checkIndex(f); err != nil {
		return t, fmt.Errorf("read git index %s: %w", f.Name(), err)
	}
	var idx index.Index
	if err := index.NewDecoder(io.LimitReader(f, maxIndex)).Decode(&idx); err != nil {
		return t, fmt.Errorf("read git index %s: %w; `git -c index.skipHash=false update-index --no-split-index "+
			"--force-write-index` writes one that can be read", f.Name(), err)
	}
	for _, e := range idx.Entries {
		if err := t.add(e); err != nil {
			return t, fmt.Errorf("read git index %s: %w", f.Name(), err)
		}
	}
	return t, nil
}

// add is bounded, since a name may have half as many folders as bytes.
func (t tracked) add(e *index.Entry) error {
	if len(e.Name) > maxIndexName {
		return fmt.Errorf("a name in it has %d bytes, more than the %d that Linux takes", len(e.Name), maxIndexName)
	}
	if e.Mode == filemode.Submodule {
		t.modules[e.Name] = true
	} else {
		t.files[e.Name] = true
	}
	for i := strings.LastIndexByte(e.Name, '/'); i > 0 &&
		!t.folders[e.Name[:i]]; i = strings.LastIndexByte(e.Name[:i], '/') {
		t.folders[e.Name[:i]] = true
	}
	if len(t.folders) > MaxFiles {
		return fmt.Errorf("it names more than %d folders", MaxFiles)
	}
	return nil
}

// globalIgnore gives the rules that the user's own configuration adds to every work tree.
func globalIgnore() ignoreRules {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	configHome := os.Getenv("XDG_CONFIG_HOME")
	if configHome == "" {
		configHome = filepath.Join(home, ".config")
	}
	file := filepath.Join(configHome, "git", "ignore")
	for _, c := range []string{filepath.Join(configHome, "git", "config"), filepath.Join(home, ".gitconfig")} {
		if named := excludesFile(c); named != "" {
			file = named
		}
	}
	if rest, ok := strings.CutPrefix(file, "~/"); ok {
		file = filepath.Join(home, rest)
	}
	content, err := readBounded(file, maxIgnoreFile)
	if err != nil {
		return nil // as git does: the file is optional, and its name only a preference
	}
	return parseIgnore("", string(content))
}

func excludesFile(configFile string) string {
	f, err := openRegular(configFile)
	if err != nil {
		return ""
	}
	defer f.Close()
	c := gitconfig.New()
	if err := gitconfig.NewDecoder(io.LimitReader(f, maxIgnoreFile)).Decode(c); err != nil {
		return ""
	}
	return c.Section("core").Option("excludesFile")
}

// openRegular opens a regular file only: a tree may hold devices, and pipes, which block whoever
// opens them.
func openRegular(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return regular(f)
}

func regular(f *os.File) (*os.File, error) {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", f.Name())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func readBounded(name string, limit int64) ([]byte, error) {
	f, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAtMost(f, limit)
}

func readAtMost(f *os.File, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", f.Name(), limit)
	}
	return b, err
}
