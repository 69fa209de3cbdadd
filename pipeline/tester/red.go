package tester

import (
	"strings"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/reason"
	"vivarium/pipeline/results"
)

// Red are the red ones of some results, as findings.
func Red(tests []results.Test) findings.List {
	var list findings.List
	for _, t := range tests {
		if t.Outcome.Red() {
			list.AddWith(finding(t), reason.Evidence{Trace: t.Traceback, Asked: t.Asked})
		}
	}
	return list
}

func finding(t results.Test) findings.Finding {
	f := findings.Finding{Path: t.Path, Line: t.Line, Test: t.ID, Text: t.Problem()}
	if tried := t.Tried(); tried != "" {
		f.Text = tried + ": " + f.Text
	}
	if t.Sub != "" {
		f.Test += " " + t.Sub
	}
	if class, _, ok := strings.Cut(t.Reason, ":"); ok && !strings.Contains(class, " ") {
		f.Code = class
	}
	return f
}
