// Package outbox keeps commit statuses with the builds that they are of, and sends them to the git
// host: of each commit the newest, one post at a time.
//
// What it decides is pure: next and again say which status to send, Judge what the host's answer
// means for it, Gate and Pace when the host may be asked.
package outbox

import (
	"github.com/riverqueue/river"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// Outbox is what a database holds of statuses.
type Outbox struct {
	db *database.DB
}

// New makes the outbox of a database.
func New(db *database.DB) *Outbox { return &Outbox{db: db} }

// Add puts the build's state as it is now into the outbox. The job that it returns is to be
// inserted in the same transaction.
func Add(tx *database.Tx, b builds.Row) (river.InsertManyParams, error) {
	t := targetRow{Repo: b.Repo, SHA: b.SHA, Context: contexts[b.Ref.Kind()], Version: 1}
	err := tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "repo"}, {Name: "sha"}, {Name: "context"}},
		DoUpdates: clause.Assignments(map[string]any{"version": gorm.Expr("status_targets.version + 1")}),
	}, clause.Returning{Columns: []clause.Column{{Name: "id"}}}).Create(&t).Error
	if err != nil {
		return river.InsertManyParams{}, err
	}
	r := statusRow{
		TargetID: t.ID, BuildID: b.ID, Kind: kindStatus, State: pipeline.StatusState(b.State),
		Payload: description(b), QueuedAt: database.Micros(tx.Now()),
	}
	return jobFor(t.ID, b.State.Ended()), tx.Create(&r).Error
}
