package entries

import (
	"errors"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/registry"
	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/people"
	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var (
	byTest = people.Actor{Who: "a test"}
	must   = storetest.Must
)

// letIn makes an entry of the registry.
func letIn(t *testing.T, e *Entries, kind registry.Kind, name string) registry.Entry {
	t.Helper()
	entry, err := e.Add(t.Context(), byTest, kind, name)
	must(t, err)
	return entry
}

// TestRotateRefusesWhatHasNoSecretOfItsOwn: it would print a secret that opens nothing, and leave
// the one that may have leaked.
func TestRotateRefusesWhatHasNoSecretOfItsOwn(t *testing.T) {
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		e := New(open())
		organization := letIn(t, e, registry.Organization, "corp/*")
		group := letIn(t, e, registry.Pattern, "school/*")
		must(t, e.Heard(t.Context(), organization, pipeline.Repository{FullName: "corp/tool"}))
		must(t, e.Heard(t.Context(), registry.Entry{}, pipeline.Repository{FullName: "team/app"}))
		must(t, e.Heard(t.Context(), group, pipeline.Repository{FullName: "school/seen"}))
		for _, name := range []string{"corp/tool", "team/app", "school/*"} {
			if got, err := e.Rotate(t.Context(), byTest, name, time.Hour); err == nil {
				t.Errorf("%s has a new secret: %+v", name, got)
			}
		}
		for _, name := range []string{"corp/*", "school/seen", "school/new"} {
			if got, err := e.Rotate(t.Context(), byTest, name, time.Hour); err != nil || got.Generation != 1 {
				t.Errorf("%s: %+v, %v; want its second secret", name, got, err)
			}
		}
	})
}

// TestAPatternBelowAPatternIsNoRepository: it would become one that the other lets in, with a
// limit that limits nothing and a secret that opens nothing.
func TestAPatternBelowAPatternIsNoRepository(t *testing.T) {
	e := New(databasetest.SQLite(t))
	letIn(t, e, registry.Pattern, "school/*")
	limit := func(l *registry.Limits) { l.Running = 1 }
	for _, name := range []string{"school/group-*", "school/a b", "school/..", "school/"} {
		if got, err := e.Limit(t.Context(), byTest, name, limit); !errors.Is(err, database.ErrNotFound) {
			t.Errorf("%s is limited: %+v, %v", name, got, err)
		}
		if got, err := e.Rotate(t.Context(), byTest, name, 0); !errors.Is(err, database.ErrNotFound) {
			t.Errorf("%s has a secret: %+v, %v", name, got, err)
		}
	}
	if got, err := e.Limit(t.Context(), byTest, "school/group-1", limit); err != nil || got.Kind != registry.Seen {
		t.Errorf("control: a repository: %+v, %v", got, err)
	}
}

func TestRemovalTellsWhoseSecretHadBeenChanged(t *testing.T) {
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		e := New(open())
		group := letIn(t, e, registry.Pattern, "school/*")
		letIn(t, e, registry.Repository, "octo/hello")
		must(t, e.Heard(t.Context(), group, pipeline.Repository{FullName: "school/seen"}))
		for _, name := range []string{"school/changed", "octo/hello"} {
			_, err := e.Rotate(t.Context(), byTest, name, 0)
			must(t, err)
		}
		for name, want := range map[string]string{"school/*": "school/changed", "OCTO/hello": "octo/hello"} {
			if changed, err := e.Remove(t.Context(), byTest, name); err != nil || len(changed) != 1 || changed[0] != want {
				t.Errorf("%s: %q, %v; want %q", name, changed, err, want)
			}
		}
		if entries, err := e.List(t.Context()); err != nil || len(entries) != 0 {
			t.Errorf("left: %+v, %v", entries, err)
		}
	})
}

// TestARepositoryIsClosedBeforeItWasSeen: one that a pattern or an organization's hook lets in
// has no entry until it delivers.
func TestARepositoryIsClosedBeforeItWasSeen(t *testing.T) {
	e := New(databasetest.SQLite(t))
	letIn(t, e, registry.Pattern, "school/*")
	letIn(t, e, registry.Organization, "corp/*")
	for _, name := range []string{"school/late", "corp/tool"} {
		must(t, e.Disable(t.Context(), byTest, name, true))
		entries, err := e.For(t.Context(), registry.Origin{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		rules := registry.Rules{Key: []byte("the operator's key of this test.."), Entries: entries}
		if g, err := rules.Find(registry.Origin{Name: name}, time.Now()); !errors.Is(err, registry.ErrUnknown) {
			t.Errorf("%s is let in: %+v, %v", name, g, err)
		}
	}
	if err := e.Disable(t.Context(), byTest, "octo/none", true); !errors.Is(err, database.ErrNotFound) {
		t.Errorf("what nothing lets in: %v", err)
	}
}

// TestWhatIsFixedFollowsARepository: for one below a pattern the pattern's word counts, and its own
// comes first, also once it stands in the registry by itself.
func TestWhatIsFixedFollowsARepository(t *testing.T) {
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		e := New(open())
		group := letIn(t, e, registry.Pattern, "school/*")
		must(t, e.Heard(t.Context(), group, pipeline.Repository{FullName: "school/seen"}))
		want := func(name, want string) {
			t.Helper()
			got, err := e.FixedFor(t.Context(), registry.Origin{Name: name})
			must(t, err)
			if got != want {
				t.Errorf("of %s %q is fixed, want %q", name, got, want)
			}
		}
		want("school/seen", "")
		must(t, e.Fix(t.Context(), byTest, "school/*", "test = 'all'"))
		must(t, e.Fix(t.Context(), byTest, "school/own", "test = 'own'")) // was never seen
		want("school/seen", "test = 'all'")
		want("school/new", "test = 'all'")
		want("school/own", "test = 'own'")
		letIn(t, e, registry.Repository, "school/own")
		want("school/own", "test = 'own'")
		must(t, e.Fix(t.Context(), byTest, "school/own", ""))
		want("school/own", "test = 'all'")
		if err := e.Fix(t.Context(), byTest, "other/one", "test = 'x'"); !errors.Is(err, database.ErrNotFound) {
			t.Errorf("of what is not let in: %v", err)
		}
	})
}
