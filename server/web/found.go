package web

import (
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

// Found lists what the steps found, step by step, less what their tests tell.
func (b Build) Found() []Found {
	var list []Found
	for _, s := range b.Steps {
		if len(s.Findings.Findings) == 0 || s.Name == pipeline.StepTest && b.Tests != nil && len(b.Tests.Failing) > 0 {
			continue
		}
		f := Found{Step: s.Name, More: s.Findings.Total - len(s.Findings.Findings)}
		for _, finding := range s.Findings.Findings {
			f.Findings = append(f.Findings, FoundAt{finding, b.FileURL(finding.Path, finding.Line)})
		}
		list = append(list, f)
	}
	return list
}
