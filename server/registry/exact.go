package registry

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Named is one repository that is let in.
type Named struct {
	Name  string
	Entry Entry // as a Grant has it
}

// Organizations gives the organizations whose hook lets repositories in, by the owner's name alone.
func (r Rules) Organizations() []Named {
	var all []Named
	for _, e := range r.Entries {
		owner, _, _ := strings.Cut(e.Name, "/")
		same := func(n Named) bool { return strings.EqualFold(n.Name, owner) }
		if e.Kind == Organization && !e.Disabled && !slices.ContainsFunc(all, same) {
			all = append(all, Named{Name: owner, Entry: e})
		}
	}
	return all
}

// Exact gives the repositories that are let in and known by name, in the order of their names:
// those that have an entry of their own, those seen by way of a pattern, and those that the shared
// secret is for by name. What else a pattern would let in nobody knows before it is seen.
func (r Rules) Exact(now time.Time) []Named {
	var all []Named
	add := func(name string) {
		same := func(n Named) bool { return strings.EqualFold(n.Name, name) }
		if g, err := r.Find(Origin{Name: name}, now); err == nil && !slices.ContainsFunc(all, same) {
			all = append(all, Named{Name: name, Entry: g.Entry})
		}
	}
	for _, e := range r.Entries {
		if e.Kind == Repository || e.Kind == Seen {
			add(e.Name)
		}
	}
	for _, name := range r.For {
		if !IsPattern(name) {
			add(name)
		}
	}
	slices.SortFunc(all, func(a, b Named) int {
		return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return all
}
