package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is the source with one defence removed.
type mutant struct {
	name    string // which defence is gone
	file    string // from the module's root
	old     string // must stand in the file exactly once
	new     string
	attacks string // which of the suite must notice, as go test's -run takes it
}

func table() []mutant {
	return slices.Concat(settings, filter, initProcess, proxies, serverSide, viewers)
}

// apply gives the file's text without the defence.
func (m mutant) apply(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", fmt.Errorf("mutant %q: %w", m.name, err)
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("mutant %q: its text stands %d times in %s, not once:\n%s", m.name, n, m.file, m.old)
	}
	return strings.Replace(string(text), m.old, m.new, 1), nil
}
