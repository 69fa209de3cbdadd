package outbox

import (
	"github.com/riverqueue/river"

	"vivarium/server/store/database"
)

const (
	// queue is River's queue of the jobs that send.
	queue = "statuses"
	// workers post at once. They wait for the host nearly all of the time.
	workers = 4
)

// jobArgs tells a sender to look at a target's statuses.
type jobArgs struct {
	Target int64 `json:"target"`
}

func (jobArgs) Kind() string { return "status" }

// jobFor makes a job for a target. One for the end of a build is worked before those for a
// beginning: with many builds waiting, a result is not kept back by their pending statuses.
func jobFor(target int64, ended bool) river.InsertManyParams {
	priority := 2
	if ended {
		priority = 1
	}
	return river.InsertManyParams{
		Args:       jobArgs{Target: target},
		InsertOpts: &river.InsertOpts{Queue: queue, MaxAttempts: 25, Priority: priority},
	}
}

// DropJobs removes the jobs that send a repository's statuses, by its name in lower case. What
// other jobs say of errors may name it too.
func DropJobs(tx *database.Tx, key string) (int64, error) {
	r := tx.Exec("DELETE FROM river_job WHERE kind = ? AND "+tx.JobNumber("target")+
		" IN (SELECT id FROM status_targets WHERE lower(repo) = ?)",
		jobArgs{}.Kind(), key)
	if r.Error != nil {
		return 0, r.Error
	}
	err := tx.Exec(`UPDATE river_job SET errors = NULL WHERE lower(`+tx.JobErrors()+`) LIKE ? ESCAPE '\'`,
		database.Containing(key)).Error
	return r.RowsAffected, err
}

// DropTargets removes a repository's targets, by its name in lower case, with their statuses.
func DropTargets(tx *database.Tx, key string) error {
	return tx.Where("lower(repo) = ?", key).Delete(&targetRow{}).Error
}
