package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryMutantFindsItsText checks that the source still has the text that each mutant removes.
// Otherwise nobody would notice a lost text until all mutants are run.
func TestEveryMutantFindsItsText(t *testing.T) {
	names := map[string]bool{}
	for _, m := range table() {
		if _, _, err := m.apply("../../.."); err != nil {
			t.Error(err)
		}
		if names[m.name] {
			t.Errorf("two mutants are called %q", m.name)
		}
		names[m.name] = true
	}
}

func TestMutantFollowsItsDefenceIntoAnotherFile(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m := mutant{name: "a defence", file: "room/old.go", old: "if refused {", new: "if false {"}
	write("room/inner/new.go", "package inner // if refused {")
	write("room/inner/new_test.go", "package inner // if refused {")
	write("other/same.go", "package other // if refused {")
	file, text, err := m.apply(root)
	if err != nil || file != "room/inner/new.go" || !strings.Contains(text, "if false {") {
		t.Errorf("got %q with %q, %v", file, text, err)
	}
	write("room/second.go", "package room // if refused {")
	if file, _, err := m.apply(root); err == nil {
		t.Errorf("of two files that could be meant, %s was taken", file)
	}
}
