// Package worktree reads a folder as it stands and sends it as a tar: tracked and untracked files,
// without the ignored ones. The folder may be a stranger's. No program runs in it, and its
// configuration does not count. Names, sizes and numbers are bounded. Outside of the folder only
// those ignore rules and that index are read that git itself would read.
package worktree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"vivarium/sandbox/quantity"
)

// MaxFiles bounds a tree; the largest repositories known have fewer files.
const MaxFiles = 1_000_000

// Tree is a folder as it stands: tracked and untracked files, without the ignored ones, without
// .git, and without anything from outside of it.
type Tree struct {
	root    *os.Root // PATH; what is opened through it cannot leave it
	entries []entry
	bytes   int64
	limits  Limits
	git     string // its git folder, where the tree is the top of a git work tree; else empty
	common  string // what that one shares with other work trees
}

// entry is a regular file, a symbolic link, a folder that holds some, or a submodule's empty place.
type entry struct {
	name string // relative to the root, with slashes
	info fs.FileInfo
}

// Limits bound what may be sent.
type Limits struct {
	Bytes int64 // VIVARIUM_DISK
	Files int64 // folders included; at most MaxFiles
}

// Open walks a folder. It reads no file but ignore files and the git index. The caller closes the
// tree.
func Open(dir string, limits Limits) (*Tree, error) {
	w, err := walk(dir, limits)
	if err != nil {
		return nil, fmt.Errorf("cannot read the working tree %s: %w", dir, err)
	}
	return w, nil
}

func walk(dir string, limits Limits) (*Tree, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, err
	}
	w := &Tree{root: root, limits: limits}
	if err := w.find(abs, limits); err != nil {
		root.Close()
		return nil, err
	}
	return w, nil
}

// Close closes the folder. The caller first closes any stream from Open.
func (w *Tree) Close() error { return w.root.Close() }

func (w *Tree) find(abs string, limits Limits) error {
	top, isGit := findTop(abs)
	rel, err := filepath.Rel(top, abs)
	if err != nil {
		return err
	}
	s := search{tree: w, limits: limits, prefix: filepath.ToSlash(rel)}
	if s.prefix == "." {
		s.prefix = ""
	}
	rules := globalIgnore()
	if isGit {
		own, err := s.readGit(top)
		if err != nil {
			return err
		}
		if rules, err = rules.with(own); err != nil {
			return err
		}
	}
	if rules, err = rulesAbove(rules, top, s.prefix); err != nil {
		return err
	}
	return s.folder(".", rules, false)
}

// readGit reads which files are tracked, and the rules of .git/info/exclude.
func (s *search) readGit(top string) (ignoreRules, error) {
	dir, common, err := gitDir(top)
	if err != nil {
		return nil, err
	}
	if s.tracked, err = readTracked(dir); err != nil {
		return nil, err
	}
	if s.prefix == "" {
		s.tree.git, s.tree.common = dir, common
	}
	content, err := readBounded(filepath.Join(common, "info", "exclude"), maxIgnoreFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return parseIgnore("", string(content)), nil
}

// rulesAbove adds the rules of the .gitignore files in the folders above prefix.
func rulesAbove(rules ignoreRules, top, prefix string) (ignoreRules, error) {
	if prefix == "" {
		return rules, nil
	}
	folder := ""
	for part := range strings.SplitSeq(prefix, "/") {
		content, err := readBounded(filepath.Join(top, filepath.FromSlash(folder), ".gitignore"), maxIgnoreFile)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if rules, err = rules.with(parseIgnore(folder, string(content))); err != nil {
			return nil, err
		}
		folder = path.Join(folder, part)
	}
	return rules, nil
}

// search walks a work tree. Rules and tracked names are relative to the top of the git work tree;
// prefix leads from there to the tree's root.
type search struct {
	tree    *Tree
	limits  Limits
	prefix  string
	tracked tracked
}

// folder adds the contents of a folder. In an ignored folder only tracked files count.
func (s *search) folder(name string, rules ignoreRules, ignored bool) error {
	list, err := s.list(name)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(e fs.DirEntry) bool { return e.Name() == ".gitignore" && e.Type().IsRegular() }) {
		own, err := s.readRules(name)
		if err != nil {
			return err
		}
		if rules, err = rules.with(own); err != nil {
			return fmt.Errorf("%s: %w", path.Join(name, ".gitignore"), err)
		}
	}
	for _, e := range list {
		if e.Name() == ".git" {
			continue
		}
		if err := s.entry(path.Join(name, e.Name()), e, rules, ignored); err != nil {
			return err
		}
	}
	return nil
}

func (s *search) list(name string) ([]fs.DirEntry, error) {
	f, err := s.tree.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := f.ReadDir(-1)
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, err
}

func (s *search) readRules(folder string) (ignoreRules, error) {
	f, err := s.tree.open(path.Join(folder, ".gitignore"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := readAtMost(f, maxIgnoreFile)
	below := path.Join(s.prefix, folder)
	if below == "." {
		below = ""
	}
	return parseIgnore(below, string(content)), err
}

func (s *search) entry(name string, e fs.DirEntry, rules ignoreRules, ignored bool) error {
	full := path.Join(s.prefix, name)
	ignored = ignored || rules.ignores(full, e.IsDir())
	if e.IsDir() {
		if ignored && !s.tracked.folders[full] && !s.tracked.modules[full] {
			return nil
		}
		return s.subfolder(name, e, rules, ignored)
	}
	if ignored && !s.tracked.files[full] {
		return nil
	}
	if !e.Type().IsRegular() && e.Type() != fs.ModeSymlink {
		return nil // git tracks no sockets, pipes or devices either
	}
	return s.add(name, e)
}

// subfolder adds a folder, unless nothing in it would be sent: git knows no empty folders, but for
// the places of submodules.
func (s *search) subfolder(name string, e fs.DirEntry, rules ignoreRules, ignored bool) error {
	at := len(s.tree.entries)
	if err := s.add(name, e); err != nil {
		return err
	}
	if err := s.folder(name, rules, ignored); err != nil {
		return err
	}
	if len(s.tree.entries) == at+1 && !s.tracked.modules[path.Join(s.prefix, name)] {
		s.tree.entries = s.tree.entries[:at]
	}
	return nil
}

func (s *search) add(name string, e fs.DirEntry) error {
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed since it was listed
	}
	if err != nil {
		return err
	}
	// No program could open it by one path, and each look-up takes time in proportion to its depth.
	if len(name) > maxIndexName {
		return fmt.Errorf("%.40s… is a path of more than %d bytes; move it, or ignore it in .gitignore",
			name, maxIndexName)
	}
	s.tree.entries = append(s.tree.entries, entry{name: name, info: info})
	if info.Mode().IsRegular() {
		s.tree.bytes += info.Size()
	}
	if s.tree.bytes > s.limits.Bytes {
		return fmt.Errorf("its files are larger than VIVARIUM_DISK (%s) together; ignore some in .gitignore, or "+
			"raise it",
			quantity.Bytes(s.limits.Bytes))
	}
	if int64(len(s.tree.entries)) > s.limits.Files {
		return fmt.Errorf("it has more than %d files; ignore some in .gitignore", s.limits.Files)
	}
	return nil
}

// open opens a regular file of the tree.
func (w *Tree) open(name string) (*os.File, error) {
	f, err := w.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return regular(f)
}
