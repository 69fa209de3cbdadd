package interpreter

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// version is a release of Python, such as 3.11.2. Images have no pre-releases.
type version []int

func parseVersion(s string) (version, bool) {
	parts := strings.Split(s, ".")
	v := make(version, len(parts))
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return nil, false
		}
		v[i] = n
	}
	return v, true
}

func (v version) at(i int) int {
	if i < len(v) {
		return v[i]
	}
	return 0
}

// compare takes missing parts as 0 (PEP 440).
func (v version) compare(w version) int {
	for i := range max(len(v), len(w)) {
		if c := cmp.Compare(v.at(i), w.at(i)); c != 0 {
			return c
		}
	}
	return 0
}

// hasPrefix reports whether v is p or one of its patch releases.
func (v version) hasPrefix(p version) bool {
	for i := range p {
		if v.at(i) != p[i] {
			return false
		}
	}
	return true
}

// satisfies reports whether v meets every clause of a PEP 440 specifier set. ok is false for a set
// that cannot be parsed.
func (v version) satisfies(set string) (yes, ok bool) {
	yes = true
	for _, clause := range strings.Split(set, ",") {
		clause = strings.TrimSpace(clause)
		if clause == "" {
			continue
		}
		met, understood := v.meets(clause)
		if !understood {
			return false, false
		}
		yes = yes && met
	}
	return yes, true
}

// specifierOperators is ordered so that a longer operator comes before a shorter one with which it
// begins.
var specifierOperators = []string{"===", "==", "!=", "~=", ">=", "<=", ">", "<"}

func (v version) meets(clause string) (yes, ok bool) {
	i := slices.IndexFunc(specifierOperators, func(op string) bool { return strings.HasPrefix(clause, op) })
	if i < 0 {
		return false, false
	}
	op := specifierOperators[i]
	operand := strings.TrimSpace(strings.TrimPrefix(clause, op))
	operand, wild := strings.CutSuffix(operand, ".*")
	w, ok := parseVersion(operand)
	if !ok || wild && op != "==" && op != "!=" {
		return false, false
	}
	equal := v.compare(w) == 0
	if wild {
		equal = v.hasPrefix(w)
	}
	switch op {
	case "==", "===":
		return equal, true
	case "!=":
		return !equal, true
	case ">=":
		return v.compare(w) >= 0, true
	case "<=":
		return v.compare(w) <= 0, true
	case ">":
		return v.compare(w) > 0 && !v.hasPrefix(w), true
	case "<":
		return v.compare(w) < 0, true
	}
	// ~=: at least this, and the same up to the last but one part.
	return v.compare(w) >= 0 && v.hasPrefix(w[:max(1, len(w)-1)]), true
}

// sameMinor reports whether w is of the same series, such as 3.12. Any patch release of it will do,
// as images follow security updates.
func (v version) sameMinor(w version) bool { return w.hasPrefix(v[:min(2, len(v))]) }

// steps is how many minor versions lie between two releases.
func (v version) steps(w version) int {
	const major = 100
	d := major*(v.at(0)-w.at(0)) + v.at(1) - w.at(1)
	return max(d, -d)
}

// meetsAny reports whether v meets one of several specifier sets.
func (v version) meetsAny(sets []string) bool {
	return slices.ContainsFunc(sets, func(set string) bool {
		yes, ok := v.satisfies(set)
		return yes && ok
	})
}

// readable reports whether a specifier set can be read.
func readable(set string) bool {
	_, ok := version{3}.satisfies(set)
	return ok
}
