package outbox

import (
	"reflect"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/storetest"
)

// TestStatusesOutliveTheChangeOfTheirKey: each keeps its id, its target and what became of it, goes
// with its build, and no id is given a second time.
func TestStatusesOutliveTheChangeOfTheirKey(t *testing.T) {
	storetest.EveryDatabase(t, func(t *testing.T, dir, url string) {
		o := database.Options{DataDir: dir, DatabaseURL: url, Log: storetest.Log(t), Before: "0019"}
		old, err := database.Open(t.Context(), o)
		must(t, err)
		first, second := olderBuild(t, old), olderBuild(t, old)
		must(t, old.Transact(t.Context(), func(tx *database.Tx) error {
			for _, statement := range []string{
				`INSERT INTO status_targets (repo, sha, version, claim, claimed_until, not_before, late_until, late_id)
					VALUES ('a/gone', '00', 1, '', 0, 0, 0, 0), ('octo/hello', '` + sha + `', 3, 'mine', 4, 5, 6, 1),
					('b/gone', '00', 1, '', 0, 0, 0, 0)`,
				`INSERT INTO statuses (target_id, build_id, state, description, context, queued_at, sent_at, attempts,
					last_error, failed_at, superseded, code, tried_at, failing_since, plain)
					VALUES (2, 1, 'pending', 'queued', 'vivarium', 11, 12, 13, 'oh', 0, FALSE, 502, 14, 15, TRUE),
					(2, 1, 'success', 'passed: 3 tests', '', 21, 0, 0, '', 0, FALSE, 0, 0, 0, FALSE),
					(2, 2, 'pending', 'queued', '', 31, 0, 0, '', 0, TRUE, 0, 0, 0, FALSE),
					(1, 2, 'error', 'x', '', 31, 0, 0, '', 0, TRUE, 0, 0, 0, FALSE)`,
				`DELETE FROM statuses WHERE id = 4`,
				`DELETE FROM status_targets WHERE repo <> 'octo/hello'`,
			} {
				if err := tx.Exec(statement).Error; err != nil {
					return err
				}
			}
			return nil
		}))
		must(t, old.Close())
		o.Before = ""
		db := databasetest.Open(t, o)
		wantTarget := targetRow{
			ID: 2, Repo: "octo/hello", SHA: sha, Version: 3, Claim: "mine", ClaimedUntil: 4, NotBefore: 5,
			LateUntil: 6, LateID: 1,
		}
		wantStatuses := []statusRow{
			{
				ID: 1, TargetID: 2, BuildID: first.ID, Kind: kindStatus, State: "pending", Payload: "queued",
				Context: "vivarium", QueuedAt: 11, SentAt: 12, Attempts: 13, LastError: "oh", Code: 502, TriedAt: 14,
				FailingSince: 15, Plain: true,
			},
			{
				ID: 2, TargetID: 2, BuildID: first.ID, Kind: kindStatus, State: "success",
				Payload: "passed: 3 tests", QueuedAt: 21,
			},
			{
				ID: 3, TargetID: 2, BuildID: second.ID, Kind: kindStatus, State: "pending", Payload: "queued",
				QueuedAt: 31, Superseded: true,
			},
		}
		var targets []targetRow
		var statuses []statusRow
		must(t, db.Read(t.Context()).Order("id").Find(&targets).Error)
		must(t, db.Read(t.Context()).Order("id").Find(&statuses).Error)
		if !reflect.DeepEqual(targets, []targetRow{wantTarget}) {
			t.Errorf("targets: got %+v, want %+v", targets, wantTarget)
		}
		if !reflect.DeepEqual(statuses, wantStatuses) {
			t.Errorf("statuses: got %+v, want %+v", statuses, wantStatuses)
		}

		tell(t, db, first, pipeline.Failed)
		if last := newest(t, db); last.ID != 5 || last.TargetID != 2 {
			t.Errorf("the next status is %+v, want the fifth, of the commit's own target", last)
		}
		another := build(t, db, "0000000000000000000000000000000000000002", main)
		tell(t, db, another, pipeline.Passed)
		if last := newest(t, db); last.TargetID <= 3 {
			t.Errorf("another commit has target %d, whose id was given before", last.TargetID)
		}
		must(t, db.Transact(t.Context(), func(tx *database.Tx) error { return tx.Delete(&first).Error }))
		if list, err := New(db).Statuses(t.Context(), first.ID); err != nil || len(list) > 0 {
			t.Errorf("with their build gone: %+v, %v", list, err)
		}
		must(t, db.Transact(t.Context(), func(tx *database.Tx) error { return DropTargets(tx, "octo/hello") }))
		if list, err := New(db).Statuses(t.Context(), second.ID); err != nil || len(list) > 0 {
			t.Errorf("with their target gone: %+v, %v", list, err)
		}
	})
}

// newest is the status that was added last.
func newest(t *testing.T, db *database.DB) (r statusRow) {
	t.Helper()
	must(t, db.Read(t.Context()).Last(&r).Error)
	return r
}

// olderBuild makes a build without what later steps of the schema add to its row.
func olderBuild(t *testing.T, db *database.DB) builds.Row {
	t.Helper()
	b := builds.Row{Repo: "octo/hello", SHA: sha, Ref: main, State: pipeline.Queued}
	must(t, db.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Omit("LogLines", "SupersededBy", "Pull", "Fork", "Approved").Create(&b).Error
	}))
	return b
}
