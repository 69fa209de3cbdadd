package main

import "testing"

// TestEveryMutantFindsItsText holds that the source still has what each mutant takes away: else its defence would go
// unwatched until somebody runs them all.
func TestEveryMutantFindsItsText(t *testing.T) {
	names := map[string]bool{}
	for _, m := range table() {
		if _, err := m.apply("../../.."); err != nil {
			t.Error(err)
		}
		if names[m.name] {
			t.Errorf("two mutants are called %q", m.name)
		}
		names[m.name] = true
	}
}
