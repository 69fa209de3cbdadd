package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is the source with one defence removed.
type mutant struct {
	name string // which defence is gone
	// file is where the defence stands, from the module's root. If it has moved, it is looked for
	// below the same top-level folder.
	file    string
	old     string // must stand there exactly once
	new     string
	attacks string // the attacks that must notice, as a pattern for go test's -run
}

func table() []mutant {
	return slices.Concat(
		settings, filter, posture, initProcess, reports, proxies, serverSide, viewers, fixedParts, forkParts,
	)
}

// apply gives the file that holds the defence, and its text without it.
func (m mutant) apply(root string) (file, text string, err error) {
	file, text = m.file, ""
	content, err := os.ReadFile(filepath.Join(root, file))
	if err == nil {
		text = string(content)
	}
	if strings.Count(text, m.old) == 0 {
		if file, text, err = m.search(root); err != nil {
			return "", "", fmt.Errorf("mutant %q: %w", m.name, err)
		}
	}
	if n := strings.Count(text, m.old); n != 1 {
		return "", "", fmt.Errorf("mutant %q: its text stands %d times in %s, not once:\n%s", m.name, n, file, m.old)
	}
	return file, strings.Replace(text, m.old, m.new, 1), nil
}

// search finds the one file of the same kind that the defence has moved to.
func (m mutant) search(root string) (file, text string, err error) {
	room, _, _ := strings.Cut(m.file, "/")
	var found []string
	tree := os.DirFS(root)
	err = fs.WalkDir(tree, room, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != path.Ext(m.file) || strings.HasSuffix(name, "_test.go") {
			return err
		}
		content, err := fs.ReadFile(tree, name)
		if strings.Contains(string(content), m.old) && !strings.HasPrefix(name, "cmd/attack/") {
			found, text = append(found, name), string(content)
		}
		return err
	})
	switch {
	case err != nil:
		return "", "", err
	case len(found) != 1:
		return "", "", fmt.Errorf("its text is not in %s, and below %s in %d files %q, not one:\n%s", m.file, room,
			len(found), found, m.old)
	}
	return found[0], text, nil
}
