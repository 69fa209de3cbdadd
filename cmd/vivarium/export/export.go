// Package export is the command that writes the verdicts of branches for other programs: as CSV and as
// JSON.
package export

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"vivarium/server/store/builds"
)

// Line is a line of the export. Times are RFC 3339.
type Line struct {
	Repository string `json:"repository"`
	Branch     string `json:"branch"`
	Verdict    string `json:"verdict"`
	Cause      string `json:"cause"`
	Commit     string `json:"commit"`
	Pushed     string `json:"pushed"`
	Ended      string `json:"ended"`
	Build      int64  `json:"build"`
}

// Lines are the lines of verdicts, with times in a zone.
func Lines(verdicts []builds.Verdict, zone *time.Location) []Line {
	lines := []Line{}
	for _, v := range verdicts {
		lines = append(lines, Line{
			Repository: v.Push.Repo.FullName, Branch: v.Branch(),
			Verdict: string(v.Judged.State), Cause: string(v.Judged.Cause), Commit: v.Push.SHA,
			Pushed: exportedTime(v.Push.QueuedAt, zone), Ended: exportedTime(v.Judged.EndedAt, zone),
			Build: v.Judged.ID,
		})
	}
	return lines
}

func exportedTime(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(time.RFC3339)
}

// CSV writes lines as RFC 4180 has them.
func CSV(w io.Writer, lines []Line) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true // line ends as in RFC 4180
	// Error reports at the end what a Write could not do.
	_ = c.Write([]string{"repository", "branch", "verdict", "cause", "commit", "pushed", "ended", "build"})
	for _, l := range lines {
		_ = c.Write([]string{
			cell(l.Repository), cell(l.Branch), cell(l.Verdict), cell(l.Cause), cell(l.Commit), cell(l.Pushed),
			cell(l.Ended), fmt.Sprint(l.Build),
		})
	}
	c.Flush()
	return c.Error()
}

// cell makes text safe in a spreadsheet, which would take =HYPERLINK(...), a possible name of a
// branch, for a formula. Spreadsheets mark text by a leading quotation mark (OWASP, "CSV
// Injection").
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

// JSON writes lines as a list of objects.
func JSON(w io.Writer, lines []Line) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(lines)
}
