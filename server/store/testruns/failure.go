package testruns

import (
	"encoding/json"
	"fmt"
	"time"

	"vivarium/pipeline/results"
	"vivarium/server/store/packed"
)

// failureRow is a red result as GORM sees it.
type failureRow struct {
	BuildID int64  `gorm:"primaryKey;autoIncrement:false"`
	Attempt int    `gorm:"primaryKey;autoIncrement:false"`
	Seq     int64  `gorm:"primaryKey;autoIncrement:false"`
	ID      string `gorm:"column:test"`
	Sub     string
	Outcome results.Outcome
	Took    int64 // microseconds
	Reason  string
	Path    string
	Line    int
	LogLine int64
	Again   results.Again
	After   string
	Details []byte // details, compressed
}

func (failureRow) TableName() string { return "test_failures" }

// details are what of a red result is long.
type details struct {
	Traceback string          `json:"traceback,omitempty"`
	Output    string          `json:"output,omitempty"`
	Asked     []results.Asked `json:"asked,omitempty"`
}

func newFailureRow(build int64, attempt int, seq int64, t results.Test) (failureRow, error) {
	raw, err := json.Marshal(details{t.Traceback, t.Output, t.Asked})
	if err != nil {
		return failureRow{}, fmt.Errorf("write the details of a test: %w", err)
	}
	small, err := packed.Pack(raw)
	if err != nil {
		return failureRow{}, err
	}
	return failureRow{
		BuildID: build, Attempt: attempt, Seq: seq, ID: t.ID, Sub: t.Sub, Outcome: t.Outcome,
		Took: t.Duration.Microseconds(), Reason: t.Reason, Path: t.Path, Line: t.Line, LogLine: t.At,
		Again: t.Again, After: t.After, Details: small,
	}, nil
}

func (r failureRow) result() (Result, error) {
	var d details
	raw, err := packed.Unpack(r.Details)
	if err == nil {
		err = json.Unmarshal(raw, &d)
	}
	if err != nil {
		return Result{}, fmt.Errorf("read the details of a test: %w", err)
	}
	return Result{r.Seq, results.Test{
		ID: r.ID, Sub: r.Sub, Outcome: r.Outcome, Duration: time.Duration(r.Took) * time.Microsecond,
		Reason: r.Reason, Traceback: d.Traceback, Output: d.Output, Path: r.Path, Line: r.Line,
		Asked: d.Asked, At: r.LogLine, Again: r.Again, After: r.After,
	}}, nil
}
