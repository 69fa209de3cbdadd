// Package testruns is what the tests of builds came to: results as they are recorded with the attempt
// that runs the tests, and read one by one, or those alone that did not pass.
//
// Of an attempt the first red results are rows, which queries find; all others stand in compressed
// blocks. Each has a number, 1, 2, 3 ... in the order in which they were recorded. Of a build the
// newest attempt's results are read.
package testruns

import (
	"context"
	"fmt"

	"vivarium/pipeline/results"
	"vivarium/server/store/database"
)

// Runs reads the results of a database's builds.
type Runs struct{ db *database.DB }

// New reads those of db.
func New(db *database.DB) *Runs { return &Runs{db} }

// Counts are how many results there are, kept or not.
type Counts struct {
	results.Counts

	// LeftOut is how many of these are counted and not kept, since there were too many.
	LeftOut int
}

// In is the summary s with these counts in place of its own.
func (c Counts) In(s results.Summary) results.Summary {
	s.Counts = c.Counts
	return s
}

// Counts counts the results of a build. ok is false where none were recorded.
func (r *Runs) Counts(ctx context.Context, build int64) (c Counts, ok bool, err error) {
	var rows []runRow
	err = r.db.Read(ctx).Where("build_id = ? AND attempt = ("+newest+")", build, build).Limit(1).Find(&rows).Error
	if err != nil {
		return Counts{}, false, fmt.Errorf("count the tests of build %d: %w", build, err)
	}
	if len(rows) == 0 {
		return Counts{}, false, nil
	}
	return rows[0].counts(), true, nil
}

// newest is the number of a build's newest attempt.
const newest = "SELECT attempt FROM builds WHERE id = ?"

// runRow is what an attempt's tests came to, as GORM sees it.
type runRow struct {
	BuildID           int64 `gorm:"primaryKey;autoIncrement:false"`
	Attempt           int   `gorm:"primaryKey;autoIncrement:false"`
	Passed            int
	Failed            int
	Error             int
	Skipped           int
	ExpectedFailure   int
	UnexpectedSuccess int
	LeftOut           int
}

func (runRow) TableName() string { return "test_runs" }

func newRunRow(build int64, attempt int, c Counts) runRow {
	return runRow{
		BuildID: build, Attempt: attempt, Passed: c.Passed, Failed: c.Failed, Error: c.Errors, Skipped: c.Skipped,
		ExpectedFailure: c.ExpectedFailures, UnexpectedSuccess: c.UnexpectedSuccesses, LeftOut: c.LeftOut,
	}
}

func (r runRow) counts() Counts {
	return Counts{LeftOut: r.LeftOut, Counts: results.Counts{
		Passed: r.Passed, Failed: r.Failed, Errors: r.Error, Skipped: r.Skipped,
		ExpectedFailures: r.ExpectedFailure, UnexpectedSuccesses: r.UnexpectedSuccess,
	}}
}
