package builds

import (
	"encoding/json"
	"fmt"

	"vivarium/pipeline/findings"
)

// storedFindings is how a step's findings stand in its row, as JSON. A field that is added later is
// empty in older rows.
type storedFindings struct {
	Total    int                `json:"total"`
	Findings []findings.Finding `json:"findings"`
}

func encodeFindings(l findings.List) string {
	if l.Total == 0 && len(l.Findings) == 0 {
		return ""
	}
	text, err := json.Marshal(storedFindings{Total: l.Total, Findings: l.Findings})
	if err != nil {
		panic(err) // strings and numbers can always be written
	}
	return string(text)
}

func decodeFindings(text string) (findings.List, error) {
	if text == "" {
		return findings.List{}, nil
	}
	var s storedFindings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return findings.List{}, fmt.Errorf("read the findings of a step: %w", err)
	}
	return findings.List{Findings: s.Findings, Total: s.Total}, nil
}
