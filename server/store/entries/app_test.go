package entries

import (
	"testing"

	"vivarium/server/registry"
	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
)

// TestWhatTheAppSeesIsNotedOfRepositoriesAlone: of one that a pattern lets in, of one with an entry of
// its own, and until the App sees it no longer.
func TestWhatTheAppSeesIsNotedOfRepositoriesAlone(t *testing.T) {
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		e := New(open())
		pattern, own := letIn(t, e, registry.Pattern, "octo/*"), letIn(t, e, registry.Repository, "octo/own")
		has := func(name string) (yes bool) {
			t.Helper()
			must(t, e.db.Transact(t.Context(), func(tx *database.Tx) (err error) {
				yes, err = HasApp(tx, name)
				return err
			}))
			return yes
		}
		must(t, SetApp(t.Context(), e, pattern, "octo/Hello", true))
		if !has("octo/hello") || has("octo/own") || has("octo/*") {
			t.Errorf("hello %v, own %v, the pattern %v", has("octo/hello"), has("octo/own"), has("octo/*"))
		}
		must(t, SetApp(t.Context(), e, own, "octo/own", true))
		must(t, SetApp(t.Context(), e, registry.Entry{}, "OCTO/hello", false))
		must(t, SetApp(t.Context(), e, registry.Entry{}, "octo/unknown", false))
		if has("octo/hello") || !has("octo/own") {
			t.Errorf("afterwards: hello %v, own %v", has("octo/hello"), has("octo/own"))
		}
		if list, err := e.List(t.Context()); err != nil || len(list) != 3 {
			t.Errorf("%d entries, %v", len(list), err)
		}
	})
}
