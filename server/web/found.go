package web

import (
	"fmt"
	"net/url"
	"strings"

	"vivarium/pipeline"
	"vivarium/pipeline/findings"
)

// Found is what one step found wrong, for the top of a build's page.
type Found struct {
	Step     pipeline.StepName
	Findings []FoundAt
	More     int // how many there are beyond those that were kept
}

// FoundAt is a finding and where the commit shows it.
type FoundAt struct {
	findings.Finding
	URL string // the line on the git host; empty where no file is known
}

// Found lists what the steps found, step by step.
func (b Build) Found() []Found {
	var list []Found
	for _, s := range b.Steps {
		if len(s.Findings.Findings) == 0 {
			continue
		}
		f := Found{Step: s.Name, More: s.Findings.Total - len(s.Findings.Findings)}
		for _, finding := range s.Findings.Findings {
			f.Findings = append(f.Findings, FoundAt{finding, b.lineURL(finding)})
		}
		list = append(list, f)
	}
	return list
}

// lineURL is where GitHub shows the finding's line in the commit.
func (b Build) lineURL(f findings.Finding) string {
	if f.Path == "" || strings.HasPrefix(f.Path, "/") {
		return ""
	}
	parts := strings.Split(f.Path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	line := ""
	if f.Line > 0 {
		line = fmt.Sprintf("#L%d", f.Line)
	}
	return b.RepoURL + "/blob/" + b.SHA + "/" + strings.Join(parts, "/") + line
}
