package store

import (
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
)

func TestLogOfAQueuedBuildIsCompactedOnceItIsCanceled(t *testing.T) {
	s := sqliteStore(t)
	id := accept(t, s, push(1))
	later := database.Micros(s.db.Now().Add(time.Hour)) // it was tried once, and waits
	must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error {
		err := tx.Exec("UPDATE builds SET attempt = 1, state = ?, not_before = ? WHERE id = ?",
			pipeline.Running, later, id).Error
		if err != nil {
			return err
		}
		if err := s.Logs.AddLine(tx, builds.Row{ID: id, Attempt: 1}, pipeline.StepClone, "one\n"); err != nil {
			return err
		}
		return tx.Exec("UPDATE builds SET state = ? WHERE id = ?", pipeline.Queued, id).Error
	}))
	serve(t, s, Work{Build: passing})
	must(t, s.Queue.Cancel(t.Context(), people.Actor{}, id))
	eventually(t, "the log compacted", func() bool {
		var blocks int64
		must(t, s.db.Read(t.Context()).Table("log_blocks").Where("build_id = ?", id).Count(&blocks).Error)
		return blocks == 1
	})
}
