package main

import (
	"errors"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store"
	"vivarium/server/store/people"
)

// TestServeRefusesARegistryThatLetsNothingIn: without the shared secret, what it let in is refused.
func TestServeRefusesARegistryThatLetsNothingIn(t *testing.T) {
	s := emptyStore(t)
	if err := s.Entries.Heard(t.Context(), registry.Entry{}, pipeline.Repository{FullName: "team/app"}); err != nil {
		t.Fatal(err)
	}
	if err := checkRegistry(t.Context(), config{}, s); !errors.Is(err, errNobodyLetIn) {
		t.Errorf("with what was seen alone: %v", err)
	}
	if err := checkRegistry(t.Context(), config{webhookSecret: "shared"}, s); err != nil {
		t.Errorf("control: with the shared secret: %v", err)
	}
	if _, err := s.Entries.Add(t.Context(), people.Actor{}, registry.Pattern, "team/*"); err != nil {
		t.Fatal(err)
	}
	if err := checkRegistry(t.Context(), config{}, s); err != nil {
		t.Errorf("control: with a pattern: %v", err)
	}
}

// emptyStore is a new database of the test's own.
func emptyStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
