package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOneArchiveIsWhatADownloadLeaves(t *testing.T) {
	folder := t.TempDir()
	for _, c := range []struct{ add, problem string }{
		{"", "left no package"},
		{"a.deb", ""},
		{"b.deb", "left 2 packages"},
	} {
		if c.add != "" {
			if err := os.WriteFile(filepath.Join(folder, c.add), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		archive, err := downloaded(folder)
		if c.problem == "" && (err != nil || filepath.Base(archive) != c.add) {
			t.Errorf("downloaded = %q, %v, want %s", archive, err, c.add)
		}
		if c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem) || malformed(err)) {
			t.Errorf("with %q added: %v, want %q", c.add, err, c.problem)
		}
	}
}

// endsBadly is a place whose first program exits with 3.
type endsBadly struct{}

func (endsBadly) put(context.Context, string) error { return nil }
func (endsBadly) close() error                      { return nil }
func (endsBadly) run(_ context.Context, _ []string, out io.Writer) (string, error) {
	_, err := io.WriteString(out, "no such folder\n")
	return "exit status 3", err
}

func TestAPreparationThatFailsSaysHowItEnded(t *testing.T) {
	_, err := new(world).tests(t.Context(), endsBadly{}, "test_x")
	if err == nil || malformed(err) || !strings.Contains(err.Error(), "exit status 3") ||
		!strings.Contains(err.Error(), "no such folder") {
		t.Errorf("tests = %v, want how the preparation ended, and what it printed", err)
	}
}

// malformed reports whether an error shows a verb that found nothing to print.
func malformed(err error) bool { return strings.Contains(err.Error(), "%!") }
