package environment

import (
	"slices"
	"strings"
)

// Green is a build that passed, with which a later one is compared.
type Green struct {
	Build       int64
	SHA         string
	Environment Environment
}

// Difference is what differs between a build and the green one before it. What is not known of one
// of the two is no difference.
type Difference struct {
	Build    int64 // the green build
	SameCode bool  // both built the same commit, or the same files
	// Compared says that the packages of both are known.
	Compared bool
	Changed  []Change // packages whose version differs, then those that are new, then those that are gone
	// Image is the runner image before and now; nil where it is the same.
	Image *Change
	// Gone and New are the lines of the plan that only the green build's has, and only this one's.
	Gone, New []string
}

// Change is one package, or the image: From is empty for what is new, To for what is gone.
type Change struct{ Name, From, To string }

// String is a change in a few words, such as "numpy 2.3.1 → 2.4.0".
func (c Change) String() string {
	switch {
	case c.From == "":
		return "new: " + strings.TrimSpace(c.Name+" "+c.To)
	case c.To == "":
		return "gone: " + strings.TrimSpace(c.Name+" "+c.From)
	}
	return c.Name + " " + c.From + " → " + c.To
}

// Nothing reports whether nothing besides the code is known to differ.
func (d Difference) Nothing() bool {
	return len(d.Changed) == 0 && d.Image == nil && len(d.Gone) == 0 && len(d.New) == 0
}

// Compare says what differs between the green build and one of a commit with an environment.
func Compare(green Green, sha string, now Environment) Difference {
	was := green.Environment
	d := Difference{
		Build:    green.Build,
		SameCode: green.SHA == sha || was.Tree != "" && was.Tree == now.Tree,
		Compared: was.Listed && now.Listed,
		Image:    changedImage(was.Image, now.Image),
	}
	if d.Compared {
		d.Changed = changedPackages(was.Packages, now.Packages)
	}
	if was.Plan != "" && now.Plan != "" {
		d.Gone, d.New = missing(was.Plan, now.Plan), missing(now.Plan, was.Plan)
	}
	return d
}

// changedImage names of two images what tells them apart: the name, else Python's version, else the
// id, which is another one where the same image was made anew.
func changedImage(was, now Image) *Change {
	switch {
	case was.ID == "" || now.ID == "" || was == now:
		return nil
	case was.Name != now.Name:
		return &Change{Name: "image", From: was.Name, To: now.Name}
	case was.Python != now.Python:
		return &Change{Name: "Python", From: was.Python, To: now.Python}
	}
	return &Change{Name: "image " + now.Name, From: shortID(was.ID), To: shortID(now.ID)}
}

// shortID is how engines show an id.
func shortID(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(len(id), 12)]
}

func changedPackages(was, now []Package) []Change {
	before, after := versions(was), versions(now)
	var changed, added, gone []Change
	for _, name := range allNames(was, now) {
		from, had := before[name]
		to, has := after[name]
		switch {
		case had && has && from != to:
			changed = append(changed, Change{name, orUnknown(from), orUnknown(to)})
		case has && !had:
			added = append(added, Change{Name: name, To: orUnknown(to)})
		case had && !has:
			gone = append(gone, Change{Name: name, From: orUnknown(from)})
		}
	}
	return slices.Concat(changed, added, gone)
}

// orUnknown stands for a version that the metadata does not name.
func orUnknown(version string) string {
	if version == "" {
		return "of no known version"
	}
	return version
}

// versions is by name. An environment may hold the metadata of two versions: both are named.
func versions(list []Package) map[string]string {
	m := map[string]string{}
	for _, p := range list {
		if old, twice := m[p.Name]; twice {
			m[p.Name] = old + " and " + p.Version
		} else {
			m[p.Name] = p.Version
		}
	}
	return m
}

// allNames are those of both lists, in order, each once.
func allNames(lists ...[]Package) []string {
	var all []string
	for _, p := range slices.Concat(lists...) {
		all = append(all, p.Name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// missing are the lines of a text that another text lacks.
func missing(text, in string) []string {
	has := map[string]bool{}
	for line := range strings.Lines(in) {
		has[strings.TrimSpace(line)] = true
	}
	var list []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !has[line] {
			list = append(list, line)
		}
	}
	return list
}
