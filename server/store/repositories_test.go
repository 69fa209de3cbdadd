package store

import (
	"errors"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
)

// TestRotateRefusesWhatHasNoSecretOfItsOwn: it would print a secret that opens nothing, and leave the one that may have leaked.
func TestRotateRefusesWhatHasNoSecretOfItsOwn(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		by := people.Actor{Who: "test"}
		organization := letIn(t, s, registry.Organization, "corp/*", registry.Limits{})
		group := letIn(t, s, registry.Pattern, "school/*", registry.Limits{})
		must(t, s.Heard(t.Context(), organization, pipeline.Repository{FullName: "corp/tool"}))
		must(t, s.Heard(t.Context(), registry.Entry{}, pipeline.Repository{FullName: "team/app"}))
		must(t, s.Heard(t.Context(), group, pipeline.Repository{FullName: "school/seen"}))
		for _, name := range []string{"corp/tool", "team/app", "school/*"} {
			if e, err := s.Rotate(t.Context(), by, name, time.Hour); err == nil {
				t.Errorf("%s has a new secret: %+v", name, e)
			}
		}
		for _, name := range []string{"corp/*", "school/seen", "school/new"} {
			if e, err := s.Rotate(t.Context(), by, name, time.Hour); err != nil || e.Generation != 1 {
				t.Errorf("%s: %+v, %v; want its second secret", name, e, err)
			}
		}
	})
}

// TestAPatternBelowAPatternIsNoRepository: it would be written down as one that the other lets in, with a limit that limits nothing
// and a secret that opens nothing.
func TestAPatternBelowAPatternIsNoRepository(t *testing.T) {
	s := sqliteStore(t)
	letIn(t, s, registry.Pattern, "school/*", registry.Limits{})
	limit := func(l *registry.Limits) { l.Running = 1 }
	for _, name := range []string{"school/group-*", "school/a b", "school/..", "school/"} {
		if e, err := s.Limit(t.Context(), byTest, name, limit); !errors.Is(err, database.ErrNotFound) {
			t.Errorf("%s is limited: %+v, %v", name, e, err)
		}
		if e, err := s.Rotate(t.Context(), byTest, name, 0); !errors.Is(err, database.ErrNotFound) {
			t.Errorf("%s has a secret: %+v, %v", name, e, err)
		}
	}
	if e, err := s.Limit(t.Context(), byTest, "school/group-1", limit); err != nil || e.Kind != registry.Seen {
		t.Errorf("control: a repository: %+v, %v", e, err)
	}
}

func TestRemovalTellsWhoseSecretHadBeenChanged(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		group := letIn(t, s, registry.Pattern, "school/*", registry.Limits{})
		letIn(t, s, registry.Repository, "octo/hello", registry.Limits{})
		must(t, s.Heard(t.Context(), group, pipeline.Repository{FullName: "school/seen"}))
		for _, name := range []string{"school/changed", "octo/hello"} {
			_, err := s.Rotate(t.Context(), byTest, name, 0)
			must(t, err)
		}
		for name, want := range map[string]string{"school/*": "school/changed", "OCTO/hello": "octo/hello"} {
			if changed, err := s.RemoveEntry(t.Context(), byTest, name); err != nil || len(changed) != 1 || changed[0] != want {
				t.Errorf("%s: %q, %v; want %q", name, changed, err, want)
			}
		}
		if entries, err := s.Entries(t.Context()); err != nil || len(entries) != 0 {
			t.Errorf("left: %+v, %v", entries, err)
		}
	})
}

// TestARepositoryIsClosedBeforeItWasSeen: what a pattern or an organization's hook lets in has no entry until it delivers.
func TestARepositoryIsClosedBeforeItWasSeen(t *testing.T) {
	s := sqliteStore(t)
	letIn(t, s, registry.Pattern, "school/*", registry.Limits{})
	letIn(t, s, registry.Organization, "corp/*", registry.Limits{})
	for _, name := range []string{"school/late", "corp/tool"} {
		must(t, s.Disable(t.Context(), byTest, name, true))
		entries, err := s.EntriesFor(t.Context(), registry.Claim{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		rules := registry.Rules{Key: []byte("the operator's key of this test.."), Entries: entries}
		if g, err := rules.Find(registry.Claim{Name: name}, time.Now()); !errors.Is(err, registry.ErrUnknown) {
			t.Errorf("%s is let in: %+v, %v", name, g, err)
		}
	}
	if err := s.Disable(t.Context(), byTest, "octo/none", true); !errors.Is(err, database.ErrNotFound) {
		t.Errorf("what nothing lets in: %v", err)
	}
}
