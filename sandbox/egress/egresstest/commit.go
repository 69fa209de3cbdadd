package egresstest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Commit is one commit to make. Its tree holds exactly what is named here.
type Commit struct {
	Branch   string // empty is main
	Ref      string // in place of a branch, such as refs/pull/12/head; empty for none
	Message  string // empty is "Change"
	Author   string // empty is "Ada Lovelace <ada@example.com>"
	Files    map[string]string
	Programs map[string]string // files that can be run
	Symlinks map[string]string // path → target
	Gitlinks map[string]string // path → SHA: a submodule's place
	Tag      string            // an annotated tag that it gets; empty for none
}

const firstCommitTime = 1_700_000_000 // fixed, so that equal commits have equal SHAs

// Commit adds commits to the repository OWNER/NAME, each on top of its branch, and
// returns their SHAs. The repository is made when there is none.
func (h *GitHost) Commit(ctx context.Context, fullName string, commits ...Commit) ([]string, error) {
	dir, err := h.repoDir(fullName)
	if err != nil {
		return nil, err
	}
	if err := h.init(ctx, dir); err != nil {
		return nil, err
	}
	script, err := h.script(ctx, dir, commits)
	if err != nil {
		return nil, err
	}
	out, err := h.run(ctx, bytes.NewReader(script), "--git-dir="+dir, "fast-import", "--quiet", "--force",
		"--date-format=raw")
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(out)), nil
}

// CommitDir makes one commit on main of everything below dir but .git.
func (h *GitHost) CommitDir(ctx context.Context, fullName, dir string) (string, error) {
	files, err := ReadFiles(dir)
	if err != nil {
		return "", err
	}
	shas, err := h.Commit(ctx, fullName, Commit{Message: "Add " + filepath.Base(dir), Files: files})
	if err != nil {
		return "", err
	}
	return shas[0], nil
}

// ReadFiles reads the regular files below dir, .git left out, by their slash-separated paths.
func ReadFiles(dir string) (map[string]string, error) {
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
		files[path] = string(data)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the files of %s: %w", dir, err)
	}
	return files, nil
}

// init makes a bare repository that takes pushes, unless it exists.
func (h *GitHost) init(ctx context.Context, dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for the repository: %w", err)
	}
	if _, err := h.run(ctx, nil, "init", "--quiet", "--bare", "--initial-branch=main",
		"--object-format="+cmp.Or(h.format, "sha1"), dir); err != nil {
		return err
	}
	for _, option := range []string{"http.receivepack", "uploadpack.allowFilter"} {
		if _, err := h.run(ctx, nil, "--git-dir="+dir, "config", option, "true"); err != nil {
			return err
		}
	}
	return nil
}

// script is the input of git fast-import for these commits.
func (h *GitHost) script(ctx context.Context, dir string, commits []Commit) ([]byte, error) {
	var b bytes.Buffer
	begun := map[string]bool{}
	for i, c := range commits {
		ref := orDefault(c.Ref, "refs/heads/"+orDefault(c.Branch, "main"))
		fmt.Fprintf(&b, "commit %s\nmark :%d\n", ref, i+1)
		fmt.Fprintf(&b, "committer %s %d +0000\n", orDefault(c.Author, "Ada Lovelace <ada@example.com>"),
			firstCommitTime+i)
		writeData(&b, orDefault(c.Message, "Change"))
		if !begun[ref] {
			begun[ref] = true
			if parent, err := h.head(ctx, dir, ref); err != nil {
				return nil, err
			} else if parent != "" {
				fmt.Fprintf(&b, "from %s\n", parent)
			}
		}
		b.WriteString("deleteall\n")
		writeTree(&b, "100644", c.Files)
		writeTree(&b, "100755", c.Programs)
		writeTree(&b, "120000", c.Symlinks)
		for _, path := range slices.Sorted(maps.Keys(c.Gitlinks)) {
			fmt.Fprintf(&b, "M 160000 %s %s\n", c.Gitlinks[path], quotePath(path))
		}
		fmt.Fprintf(&b, "\nget-mark :%d\n", i+1)
		if c.Tag != "" {
			fmt.Fprintf(&b, "tag %s\nfrom :%d\ntagger Ada Lovelace <ada@example.com> %d +0000\n", c.Tag, i+1, firstCommitTime+i)
			writeData(&b, "Release")
		}
	}
	return b.Bytes(), nil
}

// head is the SHA that ref stands at; empty when there is no such ref.
func (h *GitHost) head(ctx context.Context, dir, ref string) (string, error) {
	out, err := h.run(ctx, nil, "--git-dir="+dir, "for-each-ref", "--format=%(objectname)", ref)
	return strings.TrimSpace(string(out)), err
}

func writeTree(b *bytes.Buffer, mode string, entries map[string]string) {
	for _, path := range slices.Sorted(maps.Keys(entries)) {
		fmt.Fprintf(b, "M %s inline %s\n", mode, quotePath(path))
		writeData(b, entries[path])
	}
}

func writeData(b *bytes.Buffer, s string) {
	b.WriteString("data " + strconv.Itoa(len(s)) + "\n" + s + "\n")
}

// quotePath writes a path as git's C-style string; bytes above 0x7f stand for themselves.
func quotePath(path string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(path) + `"`
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
