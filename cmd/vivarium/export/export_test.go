package export

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
)

func TestExportIsReadByWhatReadsCSV(t *testing.T) {
	pushed := time.Date(2026, 12, 1, 16, 59, 30, 0, time.UTC)
	v := builds.Verdict{
		Push: pipeline.Build{ID: 3, Repo: pipeline.Repository{FullName: "school/group-7"}, Ref: "refs/heads/a,\"b\"",
			SHA: "c0ffee", QueuedAt: pushed},
		Judged: pipeline.Build{ID: 9, State: pipeline.Failed, Cause: pipeline.CauseTests,
			EndedAt: pushed.Add(time.Minute)},
	}
	formula := v
	formula.Push.Ref = "refs/heads/=HYPERLINK(1)"
	formula.Judged = pipeline.Build{ID: 10, State: pipeline.Running}
	var out strings.Builder
	if err := CSV(&out, Lines([]builds.Verdict{v, formula}, time.FixedZone("", 3600))); err != nil {
		t.Fatal(err)
	}
	want := "repository,branch,verdict,cause,commit,pushed,ended,build\r\n" +
		"school/group-7,\"a,\"\"b\"\"\",failed,tests,c0ffee,2026-12-01T17:59:30+01:00,2026-12-01T18:00:30+01:00,9\r\n" +
		"school/group-7,'=HYPERLINK(1),running,,c0ffee,2026-12-01T17:59:30+01:00,,10\r\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	lines, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil || len(lines) != 3 || lines[1][1] != `a,"b"` {
		t.Errorf("read back: %q, %v", lines, err)
	}
}

func TestCellIsNoFormula(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "main": "main", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx",
		"\rx": "'\rx", "a=1": "a=1",
	} {
		if got := cell(text); got != want {
			t.Errorf("cell(%q) = %q, want %q", text, got, want)
		}
	}
}
