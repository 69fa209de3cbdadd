package store

import (
	"testing"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

func TestBuildsOfTheFirstSchemaAreReadableAndTakeTheirTurn(t *testing.T) {
	o := Options{DataDir: t.TempDir(), Log: testLog(t)}
	early := o
	early.Before = "0002"
	s, err := Open(t.Context(), early)
	must(t, err)
	old := builds.Row{
		Repo: "Octo/Hello", Ref: "refs/heads/main", SHA: push(1).SHA, Trigger: "push", State: pipeline.Queued,
	}
	must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error {
		if err := tx.Omit("EntryID", "Spent", "LogBytes", "BeforeSHA", "PushedAt", "SharedLosses", "LostSince", "WaitCause",
			"WaitWhy", "WaitSince",
			"WaitTries", "WaitTold", "TurnServed", "LogLines", "SupersededBy", "Pull", "Fork", "Approved",
		).Create(&old).Error; err != nil {
			return err
		}
		return tx.Exec(
			`INSERT INTO steps VALUES (?, 0, 'clone', 'passed', '', 'git fetch', 0, '', 1, 2, 3, 4, 'a note', 0, 7)`,
			old.ID,
		).Error
	}))
	must(t, s.Close())
	s = openStore(t, o)
	b, err := s.Builds.Get(t.Context(), old.ID)
	if err != nil || len(b.Steps) != 1 || b.Steps[0].Note != "a note" || b.Limits() != nil {
		t.Errorf("got %+v, %v; want the step as it was, without limits", b.Steps, err)
	}
	serve(t, s, Work{Build: passing})
	waitState(t, s, old.ID, pipeline.Passed) // it has its turn
}
