package queue_test

import (
	"fmt"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/pulls"
	"vivarium/server/store/queue"
	"vivarium/server/store/storetest"
	"vivarium/server/verdict"
)

// TestWhatAClaimAndALookNeedIsFoundByIndexes: however many builds are queued. SQLite chooses by
// rules where it has no figures, and by those of ANALYZE where it has; PostgreSQL always has some.
func TestWhatAClaimAndALookNeedIsFoundByIndexes(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		flood(t, s, 2000)
		inTransaction := func(fn func(tx *database.Tx) error) func() error {
			return func() error { return s.Database.Transact(t.Context(), fn) }
		}
		for _, analyzed := range []bool{false, true} {
			if analyzed {
				must(t, s.Database.Transact(t.Context(),
					func(tx *database.Tx) error { return tx.Exec("ANALYZE builds").Error }))
			} else if !s.Database.Exclusive() {
				continue
			}
			for index, read := range map[string]func() error{
				"builds_unended": inTransaction(func(tx *database.Tx) error {
					s.Queue.Supersede(verdict.SupersedeWaiting)
					return s.Overtake(tx, builds.Row{Repo: "octo/repo-1", Ref: "refs/heads/topic", DefaultBranch: "main",
						State: pipeline.Queued})
				}),
				"builds_pulls": inTransaction(func(tx *database.Tx) error {
					_, err := pulls.Later(tx, "octo/repo-1", 12, 1, "c0ffee")
					return err
				}),
				"builds_suspect": inTransaction(func(tx *database.Tx) error {
					_, err := queue.AnySuspect(tx)
					return err
				}),
				"builds_waiting of what nobody holds": func() error { return s.GoOnUnheld(t.Context()) },
				"builds_waiting":                      func() error { return s.EndImpatient(t.Context()) },
				"builds_waiting of what answers again": inTransaction(func(tx *database.Tx) error {
					return s.GoOn(tx, pipeline.CauseIndex)
				}),
			} {
				name, _, _ := strings.Cut(index, " ")
				if plan, statement := planOf(t, s, read); !strings.Contains(plan, name) {
					t.Errorf("with figures: %t: %s\n%s", analyzed, statement, plan)
				}
			}
		}
	})
}

// flood queues n builds, with figures for the planner.
func flood(t *testing.T, s *Store, n int) {
	t.Helper()
	rows := make([]builds.Row, n)
	for i := range rows {
		p := push(i)
		rows[i] = builds.Row{Repo: fmt.Sprintf("octo/repo-%d", i%7), Ref: p.Ref, SHA: p.SHA, Trigger: "push",
			State: pipeline.Queued, QueuedAt: database.Micros(s.Database.Now())}
	}
	must(t, s.Database.Transact(t.Context(),
		func(tx *database.Tx) error { return tx.CreateInBatches(rows, 500).Error }))
}

// planOf is how the database carries out the first statement of a function.
func planOf(t *testing.T, s *Store, read func() error) (plan, statement string) {
	t.Helper()
	explain := "EXPLAIN "
	if s.Database.Exclusive() {
		explain = "EXPLAIN QUERY PLAN "
	}
	first := func(text string) { // about builds
		if statement == "" && strings.Contains(text, "builds") {
			statement = text
		}
	}
	must(t, storetest.Trace(s.Database.Read(t.Context()), first))
	must(t, s.Database.Transact(t.Context(), func(tx *database.Tx) error { return storetest.Trace(tx.DB, first) }))
	must(t, read())
	rows, err := s.Database.Read(t.Context()).Raw(explain + statement).Rows()
	must(t, err)
	defer rows.Close()
	names, err := rows.Columns()
	must(t, err)
	var lines strings.Builder
	for rows.Next() {
		fields := make([]any, len(names))
		for i := range fields {
			fields[i] = new(any)
		}
		must(t, rows.Scan(fields...))
		fmt.Fprintln(&lines, *fields[len(fields)-1].(*any))
	}
	must(t, rows.Err())
	return lines.String(), statement
}
