package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestEveryMutantCompiles: one that does not shows nothing of its defence. A move of code breaks a
// mutant easily, by an import that it leaves unused.
func TestEveryMutantCompiles(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range table() {
		file, text, err := m.apply(root)
		if err != nil || filepath.Ext(file) != ".go" {
			continue // TestEveryMutantFindsItsText tells of the error
		}
		dir := t.TempDir()
		mutant, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
		list, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, file): mutant}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(mutant, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(overlay, list, 0o600); err != nil {
			t.Fatal(err)
		}
		build := exec.Command("go", "build", "-overlay", overlay, "-o", os.DevNull, "./"+filepath.Dir(file))
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", m.name, err, out)
		}
	}
}
