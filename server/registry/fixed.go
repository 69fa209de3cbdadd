package registry

// FixedFor is what the operator fixed of a repository's builds, as it was written; empty for nothing. Its
// own entry decides, then the one that lets it in, then the most specific pattern that fits: whatever
// a repository is called by now, it does not leave what was fixed for it. A closed entry still counts.
func FixedFor(entries []Entry, c Origin) string {
	r := Rules{Entries: entries}
	own, ok := r.named(c.Name)
	if !ok {
		own, ok = r.numbered(c.ID)
	}
	if ok && own.Fixed != "" {
		return own.Fixed
	}
	for _, e := range entries {
		if ok && own.Parent != 0 && e.ID == own.Parent {
			return e.Fixed
		}
	}
	pattern, _ := r.fitting(c.Name)
	return pattern.Fixed
}
