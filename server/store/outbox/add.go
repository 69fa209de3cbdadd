package outbox

import (
	"slices"

	"github.com/riverqueue/river"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// Adder puts builds' states into the outbox.
type Adder struct {
	// Checks reports whether a repository's builds are told by check runs; nil: none are.
	Checks func(tx *database.Tx, repo string) (bool, error)
}

// Add puts the build's state as it is now into the outbox, as a commit status. The job that it
// returns is to be inserted in the same transaction.
func Add(tx *database.Tx, b builds.Row) (river.InsertManyParams, error) { return Adder{}.Add(tx, b) }

// Add puts the build's state as it is now into the outbox. The job that it returns is to be inserted
// in the same transaction.
func (a Adder) Add(tx *database.Tx, b builds.Row) (job river.InsertManyParams, err error) {
	status, check, err := a.ways(tx, b)
	if err != nil {
		return job, err
	}
	context := contextOf(b.Ref)
	if !check {
		return add(tx, b, kindStatus, context)
	}
	if status {
		if job, err = add(tx, b, kindStatus, context); err != nil {
			return job, err
		}
		if err := tx.Jobs.Insert(tx.Statement.Context, job); err != nil {
			return job, err
		}
	}
	return add(tx, b, kindCheck, checkContext(context, b.ID))
}

// toldSteps are the steps whose beginning a check run tells of: those that take long.
var toldSteps = []pipeline.StepName{pipeline.StepClone, pipeline.StepInstall, pipeline.StepTest}

// Progress has a build's check run tell of the step that begins, where the build has one. The job is
// inserted with it.
func Progress(tx *database.Tx, build int64, step pipeline.StepName) error {
	if !slices.Contains(toldSteps, step) {
		return nil
	}
	var b builds.Row
	if err := tx.Take(&b, build).Error; err != nil {
		return err
	}
	context := checkContext(contextOf(b.Ref), b.ID)
	var n int64
	err := tx.Model(&targetRow{}).Where("repo = ? AND sha = ? AND context = ?", b.Repo, b.SHA, context).Count(&n).Error
	if err != nil || n == 0 {
		return err
	}
	job, err := add(tx, b, kindCheck, context)
	if err != nil {
		return err
	}
	return tx.Jobs.Insert(tx.Statement.Context, job)
}

// ways says how b is told of: in the way of its repository, and in each in which it or its commit was
// told of before. A host that requires a check wants each status and each run of its name to be green,
// and one of them would stay as it was.
func (a Adder) ways(tx *database.Tx, b builds.Row) (status, check bool, err error) {
	if a.Checks != nil {
		if check, err = a.Checks(tx, b.Repo); err != nil {
			return false, false, err
		}
	}
	context := contextOf(b.Ref)
	before := []string{}
	err = tx.Model(&targetRow{}).Where("repo = ? AND sha = ? AND context IN ?", b.Repo, b.SHA,
		[]string{context, checkContext(context, b.ID)}).Pluck("context", &before).Error
	status = !check
	for _, known := range before {
		status = status || known == context
		check = check || known != context
	}
	return status, check, err
}

// add puts the build's state into the outbox in one way.
func add(tx *database.Tx, b builds.Row, k kind, context string) (river.InsertManyParams, error) {
	t := targetRow{Repo: b.Repo, SHA: b.SHA, Context: context, Version: 1}
	err := tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "repo"}, {Name: "sha"}, {Name: "context"}},
		DoUpdates: clause.Assignments(map[string]any{"version": gorm.Expr("status_targets.version + 1")}),
	}, clause.Returning{Columns: []clause.Column{{Name: "id"}}}).Create(&t).Error
	if err != nil {
		return river.InsertManyParams{}, err
	}
	r := statusRow{
		TargetID: t.ID, BuildID: b.ID, Kind: k, State: pipeline.StatusState(b.State),
		Payload: description(b), QueuedAt: database.Micros(tx.Now()),
	}
	return jobFor(t.ID, b.State.Ended()), tx.Create(&r).Error
}
