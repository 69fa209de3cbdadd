package checkrun

import (
	"vivarium/pipeline"
	"vivarium/pipeline/results"
	"vivarium/pipeline/sentence"
)

// The host's bounds. https://docs.github.com/rest/checks/runs#create-a-check-run
const (
	// AnnotationsARequest is how many annotations one request may add.
	AnnotationsARequest = 50
	// mostAnnotations is our own bound: four requests more.
	mostAnnotations = 200
	mostMessage     = 2000 // characters of one annotation; the host takes 64 KB
)

// annotations mark the lines of red tests, then those of what else the steps found.
func annotations(b pipeline.Build, failing []results.Test) []Annotation {
	var all []Annotation
	seen := map[Annotation]bool{}
	add := func(a Annotation) {
		where := Annotation{Path: a.Path, Line: a.Line, Message: a.Message}
		if a.Path == "" || a.Line < 1 || a.Message == "" || seen[where] || len(all) == mostAnnotations {
			return
		}
		seen[where] = true
		all = append(all, a)
	}
	for _, t := range failing {
		add(Annotation{t.Path, t.Line, cut(t.ID+t.Sub, 200), cut(t.Reason, mostMessage)})
	}
	for _, st := range b.Steps {
		for _, f := range st.Findings.Findings {
			if f.Test == "" || len(failing) == 0 {
				add(Annotation{f.Path, f.Line, cut(f.Test+f.Code, 200), cut(f.Text, mostMessage)})
			}
		}
	}
	return all
}

func cut(text string, most int) string { return sentence.Cut(text, most) }
