package filter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Unknown refuses a parameter that an address does not have, and says which one may be meant. It is
// nil where every name is known.
func Unknown(given, known []string) error {
	for _, name := range given {
		if !slices.Contains(known, name) {
			return unknown("parameter", name, known)
		}
	}
	return nil
}

// unknown says that there is no such thing of a kind, and what there is.
func unknown(kind, name string, known []string) error {
	if len(known) == 0 {
		return fmt.Errorf("there is no %s %.40q: this address takes none", kind, name)
	}
	if near := nearest(name, known); near != "" {
		return fmt.Errorf("there is no %s %.40q; perhaps %s is meant", kind, name, near)
	}
	return fmt.Errorf("there is no %s %.40q, only %s", kind, name, strings.Join(known, ", "))
}

// nearest is the known name that differs least from one that is not known, or is the beginning of
// it or the other way round; empty where none is near.
func nearest(name string, known []string) string {
	name = strings.ToLower(name[:min(len(name), 40)])
	best, least := "", max(1, len(name)/3)+1
	for _, k := range known {
		d := levenshtein.ComputeDistance(name, k)
		if len(name) > 1 && (strings.HasPrefix(k, name) || strings.HasPrefix(name, k)) {
			d = min(d, 1)
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}
