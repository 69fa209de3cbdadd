package pipwords

import (
	"fmt"
	"strings"

	"vivarium/pipeline/findings"
)

// built keeps why a build failed, as a fault of the checkout or of the requirement that led to it.
func (r *Reader) built(why fault) {
	r.build.noBackend = false
	if why.rank == unknown || len(r.list.Findings) == mostFindings {
		return
	}
	f := r.ofCheckout(why)
	if r.asked.name != "" && !r.ownName(r.asked.name) {
		f = r.ofRequirement(why)
	}
	for _, known := range r.list.Findings {
		if known == f { // pip shows the same output twice
			return
		}
	}
	r.list.Add(f)
}

// ownName reports whether a project is the checkout itself: pip names it once it is built, and
// nobody requires it.
func (r *Reader) ownName(name string) bool {
	_, required := r.index().required[normalized(name)]
	return r.obtained && !required && !r.collected[normalized(name)]
}

// ofCheckout is a fault of what is built from the checkout itself.
func (r *Reader) ofCheckout(why fault) findings.Finding {
	if why.file == buildSystem {
		at := r.find(why.text)
		return findings.Finding{
			Path: at.path, Line: at.line,
			Text: why.text + " of [build-system] requires is not on the index",
		}
	}
	name, _ := relative(r.Root, why.file)
	f := findings.Finding{Path: name, Line: why.line, Text: why.text}
	if strings.HasPrefix(why.text, imports) {
		f.Text += ": name that in [build-system] requires of pyproject.toml"
	}
	return f
}

// Words that a fault begins with, or stands in.
const (
	buildSystem = "[build-system]"
	imports     = "it imports "
)

// ofRequirement is a fault of a project that is not the checkout's, which pip builds from source.
func (r *Reader) ofRequirement(why fault) findings.Finding {
	at := r.find(r.asked.name)
	if at.path == "" && r.asked.by != "" {
		at = r.find(r.asked.by)
	}
	what := strings.TrimSpace(r.asked.name + " " + r.asked.version)
	switch {
	case r.asked.by != "":
		what += " (wanted by " + r.asked.by + ")"
	case at.path == "":
		what += " (wanted by another package)"
	}
	text := why.text
	name, _ := relative(r.Root, why.file)
	switch {
	case why.file == buildSystem:
		text = "its build needs " + why.text + ", which is not on the index"
	case name != "" && why.line > 0 && why.rank == traceback:
		text = fmt.Sprintf("its %s: %s", name, why.text)
	}
	return findings.Finding{Path: at.path, Line: at.line, Text: what + " cannot be built: " + text}
}
