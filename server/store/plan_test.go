package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"vivarium/pipeline"
)

// TestWhatAClaimAndALookNeedIsFoundByIndexes: however many builds are queued. SQLite chooses by rules where it has no figures, and
// by those of ANALYZE where it has; PostgreSQL always has some.
func TestWhatAClaimAndALookNeedIsFoundByIndexes(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		v := &server{Store: s}
		flood(t, s, 2000)
		inTransaction := func(fn func(tx *tx) error) func() error {
			return func() error { return s.db.transact(t.Context(), fn) }
		}
		for _, analyzed := range []bool{false, true} {
			if analyzed {
				must(t, s.db.transact(t.Context(), func(tx *tx) error { return tx.Exec("ANALYZE builds").Error }))
			} else if !s.db.exclusive() {
				continue
			}
			for index, read := range map[string]func() error{
				"builds_suspect":                      inTransaction(func(tx *tx) error { _, err := anySuspect(tx); return err }),
				"builds_waiting of what nobody holds": func() error { return s.goOnUnheld(t.Context()) },
				"builds_waiting":                      func() error { return v.endImpatient(t.Context()) },
				"builds_waiting of what answers again": inTransaction(func(tx *tx) error {
					return s.goOn(tx, pipeline.CauseIndex)
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
	rows := make([]buildRow, n)
	for i := range rows {
		p := push(i)
		rows[i] = buildRow{Repo: fmt.Sprintf("octo/repo-%d", i%7), Ref: p.Ref, SHA: p.SHA, Trigger: "push", State: pipeline.Queued, QueuedAt: micros(s.now())}
	}
	must(t, s.db.transact(t.Context(), func(tx *tx) error { return tx.CreateInBatches(rows, 500).Error }))
}

// planOf is how the database carries out the first statement of a function.
func planOf(t *testing.T, s *Store, read func() error) (plan, statement string) {
	t.Helper()
	explain := "EXPLAIN "
	var handles []*gorm.DB
	switch d := s.db.(type) {
	case *sqliteDB:
		handles, explain = []*gorm.DB{d.reading, d.writing}, "EXPLAIN QUERY PLAN "
	case *postgresDB:
		handles = []*gorm.DB{d.gorm}
	}
	first := &firstStatement{}
	for _, g := range handles {
		g.Logger = first
	}
	err := read()
	for _, g := range handles {
		g.Logger = logger.Discard
	}
	must(t, err)
	rows, err := s.db.read(t.Context()).Raw(explain + first.text).Rows()
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
	return lines.String(), first.text
}

// firstStatement is a log that keeps the first statement about builds.
type firstStatement struct {
	logger.Interface
	text string
}

func (l *firstStatement) Trace(_ context.Context, _ time.Time, statement func() (string, int64), _ error) {
	if text, _ := statement(); l.text == "" && strings.Contains(text, "builds") {
		l.text = text
	}
}
