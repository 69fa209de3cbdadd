package main

import (
	"bytes"
	"strings"
	"testing"

	"vivarium/server/registry"
	"vivarium/server/store/people"
)

// TestReposRmSaysWhatIsNotAsItMayBeThought: a secret that was changed because it leaked counts
// again, and a pattern still lets the repository in.
func TestReposRmSaysWhatIsNotAsItMayBeThought(t *testing.T) {
	s := emptyStore(t)
	for name, kind := range map[string]registry.Kind{"school/*": registry.Pattern, "octo/hello": registry.Repository} {
		if _, err := s.Entries.Add(t.Context(), people.Actor{}, kind, name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Entries.Rotate(t.Context(), people.Actor{}, "school/group-7", 0); err != nil {
		t.Fatal(err)
	}
	const changed, still = "vivarium repos rotate school/group-7", "school/* still lets school/group-7 in"
	for name, want := range map[string]bool{"octo/hello": false, "school/group-7": true} {
		var out bytes.Buffer
		r := &repos{Store: s, app: &app{stdout: &out}, key: []byte("the operator's key of this test..")}
		if err := r.remove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		said := out.String()
		if strings.Contains(said, changed) != want || strings.Contains(said, still) != want ||
			!strings.Contains(said, name+" is taken out.") {
			t.Errorf("%s: %s", name, said)
		}
	}
}
