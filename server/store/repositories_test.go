package store

import (
	"errors"
	"testing"
	"time"

	"vivarium/server/registry"
)

// TestRotateRefusesWhatHasNoSecretOfItsOwn: it would print a secret that opens nothing, and leave the one that may have leaked.
func TestRotateRefusesWhatHasNoSecretOfItsOwn(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		by := Actor{Who: "test"}
		organization := letIn(t, s, registry.Organization, "corp/*", registry.Limits{})
		group := letIn(t, s, registry.Pattern, "school/*", registry.Limits{})
		must(t, s.Heard(t.Context(), organization, "corp/tool"))
		must(t, s.Heard(t.Context(), registry.Entry{}, "team/app"))
		must(t, s.Heard(t.Context(), group, "school/seen"))
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
		if e, err := s.Limit(t.Context(), byTest, name, limit); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s is limited: %+v, %v", name, e, err)
		}
		if e, err := s.Rotate(t.Context(), byTest, name, 0); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s has a secret: %+v, %v", name, e, err)
		}
	}
	if e, err := s.Limit(t.Context(), byTest, "school/group-1", limit); err != nil || e.Kind != registry.Seen {
		t.Errorf("control: a repository: %+v, %v", e, err)
	}
}
