package builds

import (
	"errors"
	"time"

	"gorm.io/gorm/clause"

	"vivarium/pipeline"
	"vivarium/server/store/database"
)

// StepRow is a step of an attempt as GORM sees it.
type StepRow struct {
	BuildID    int64             `gorm:"primaryKey;autoIncrement:false"`
	Attempt    int               `gorm:"primaryKey;autoIncrement:false"`
	Name       pipeline.StepName `gorm:"primaryKey"`
	State      pipeline.StepState
	Cause      pipeline.Cause
	Command    string
	ExitCode   *int
	Signal     string
	StartedAt  int64
	EndedAt    int64
	CPU        int64 `gorm:"column:cpu"` // nanoseconds
	PeakMemory int64
	Note       string
	Limits     string // JSON; empty of steps from before they were stored, and of skipped ones
	AfterSeq   int64  // the log's last number when the step began: its chunks come after
	LastSeq    int64  // its last chunk's number; 0 while it runs
	Findings   string // JSON; empty of steps without any, and of those from before they were stored
	Results    string // JSON; the same
}

func (StepRow) TableName() string { return "steps" }

// NewStepRow is the row of an attempt's step.
func NewStepRow(build int64, attempt int, s pipeline.Step) StepRow {
	return StepRow{
		BuildID: build, Attempt: attempt, Name: s.Name, State: s.State, Cause: s.Cause,
		Command: s.Command, ExitCode: s.ExitCode, Signal: s.Signal,
		StartedAt: database.Micros(s.StartedAt), EndedAt: database.Micros(s.EndedAt),
		CPU: int64(s.CPU), PeakMemory: s.PeakMemory, Note: s.Note, Limits: encodeLimits(s.Limits),
		Findings: encodeFindings(s.Findings),
		Results:  encodeResults(s.Results),
	}
}

// Step is the step.
func (r StepRow) Step() (pipeline.Step, error) {
	limits, limitsErr := decodeLimits(r.Limits)
	found, findingsErr := decodeFindings(r.Findings)
	summary, resultsErr := decodeResults(r.Results)
	return pipeline.Step{
		Name: r.Name, State: r.State, Cause: r.Cause,
		Command: r.Command, ExitCode: r.ExitCode, Signal: r.Signal,
		StartedAt: database.FromMicros(r.StartedAt), EndedAt: database.FromMicros(r.EndedAt),
		CPU: time.Duration(r.CPU), PeakMemory: r.PeakMemory, Note: r.Note, Limits: limits, Findings: found, Results: summary,
	}, errors.Join(limitsErr, findingsErr, resultsErr)
}

// PutStep writes a step that begins or ends when the log has come to seq.
func PutStep(tx *database.Tx, row StepRow, seq int64) error {
	keep := []string{"state", "cause", "exit_code", "signal", "ended_at", "cpu", "peak_memory", "note"}
	if row.StartedAt != 0 {
		keep = append(keep, "started_at")
	}
	if row.Command != "" {
		keep = append(keep, "command")
	}
	if row.Limits != "" {
		keep = append(keep, "limits")
	}
	if row.Findings != "" {
		keep = append(keep, "findings")
	}
	if row.Results != "" {
		keep = append(keep, "results")
	}
	row.AfterSeq = seq
	if row.State != pipeline.StepRunning {
		row.LastSeq = seq
		keep = append(keep, "last_seq") // after_seq stays what it was when the step began
	}
	return tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "build_id"}, {Name: "attempt"}, {Name: "name"}},
		DoUpdates: clause.AssignmentColumns(keep),
	}).Create(&row).Error
}
