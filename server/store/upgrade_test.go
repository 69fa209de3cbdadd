package store

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/findings"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
)

// schema0018 is a database that the version before step 0019 made: builds with steps, findings,
// compact and loose logs, statuses that were sent and one that GitHub refused, the registry,
// tokens, a session and the audit. Build 5 was under way when its server stopped.
const schema0018 = "testdata/schema-0018.db.gz"

// unpack puts a database into a data folder of its own.
func unpack(t *testing.T, path string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	packed, err := os.Open(path)
	must(t, err)
	defer packed.Close()
	from, err := gzip.NewReader(packed)
	must(t, err)
	to, err := os.OpenFile(filepath.Join(dir, "vivarium.db"), os.O_CREATE|os.O_WRONLY, 0o600)
	must(t, err)
	_, err = io.Copy(to, from)
	must(t, errors.Join(err, to.Close()))
	return dir
}

// TestADatabaseOfTheVersionBeforeKeepsEverything: each row of each table is there after the
// migration, with each of its values.
func TestADatabaseOfTheVersionBeforeKeepsEverything(t *testing.T) {
	dir := unpack(t, schema0018)
	old, err := database.Open(t.Context(), database.Options{DataDir: dir, Log: testLog(t), Before: "0019"})
	must(t, err)
	before := contents(t, old)
	must(t, old.Close())
	for _, table := range []string{
		"builds", "steps", "log_blocks", "log_chunks", "statuses", "status_targets", "repositories", "refusals",
		"tokens", "sessions", "audit", "turns", "deliveries", "river_job",
	} {
		if len(before[table]) == 0 {
			t.Errorf("control: the old database holds no %s", table)
		}
	}
	after := contents(t, databasetest.Open(t, database.Options{DataDir: dir}))
	for table, rows := range before {
		if len(after[table]) != len(rows) {
			t.Errorf("%s: %d rows became %d", table, len(rows), len(after[table]))
			continue
		}
		for i, row := range rows {
			for column, value := range row {
				if got, there := after[table][i][renamed(table, column)]; !there || !reflect.DeepEqual(got, value) {
					t.Errorf("%s, row %d: %s was %v and is %v", table, i+1, column, value, got)
				}
			}
		}
	}
}

// renamed is what a column is called since step 0019.
func renamed(table, column string) string {
	if table == "statuses" && column == "description" {
		return "payload"
	}
	return column
}

// contents are the rows of each table, in their order; those that every start changes are left out.
func contents(t *testing.T, d *database.DB) map[string][]map[string]any {
	t.Helper()
	db := d.Read(t.Context())
	tables, err := db.Migrator().GetTables()
	must(t, err)
	all := map[string][]map[string]any{}
	for _, table := range tables {
		if table == "schema_migrations" || table == "sqlite_sequence" {
			continue
		}
		var rows []map[string]any
		must(t, db.Table(table).Order("rowid").Find(&rows).Error)
		all[table] = rows
	}
	return all
}

// TestADatabaseOfTheVersionBeforeIsServed: what it holds reads as before, what was under way is
// built again, and what GitHub refused is sent.
func TestADatabaseOfTheVersionBeforeIsServed(t *testing.T) {
	s := openStore(t, Options{DataDir: unpack(t, schema0018), Log: testLog(t)})
	list, err := s.Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true}})
	must(t, err)
	var states []string
	for _, b := range slices.Backward(list) {
		states = append(states, fmt.Sprintf("%d %s %s", b.ID, b.Repo.FullName, b.State))
	}
	want := []string{
		"1 octo/hello passed",
		"2 octo/hello failed",
		"3 octo/hello passed",
		"4 corp/tool errored",
		"5 octo/hello queued",
	}
	if !slices.Equal(states, want) {
		t.Errorf("builds: got %q, want %q", states, want)
	}
	failed, err := s.Builds.Get(t.Context(), 2)
	must(t, err)
	found := findings.Finding{Path: "app/x.py", Line: 12, Column: 5, Code: "F821", Text: "undefined name 'y'"}
	lint := failed.Steps[len(failed.Steps)-1]
	if lint.Name != pipeline.StepLint || lint.Findings.Total != 2 || lint.Findings.Findings[0] != found {
		t.Errorf("the last step of build 2 is %+v", lint)
	}
	for build, line := range map[int64]string{1: "cloning größe\n", 5: "cloning größe\n"} { // compact, and loose
		log, _, err := s.Logs.StepLog(t.Context(), build, pipeline.StepClone, 1<<20)
		if err != nil || strings.Count(log, line) != 40 {
			t.Errorf("the log of build %d is %q, %v", build, log, err)
		}
	}
	statuses, err := s.Outbox.Statuses(t.Context(), 2)
	if err != nil || len(statuses) != 2 || statuses[1].SentAt.IsZero() || statuses[1].Context != "vivarium" ||
		statuses[1].Description != "lint: app/x.py:12:5 F821 undefined name 'y'" {
		t.Errorf("the statuses of build 2 are %+v, %v", statuses, err)
	}
	if d, err := s.Outbox.Undelivered(t.Context()); err != nil || d == nil || d.BuildID != 4 || d.Code != 401 {
		t.Errorf("undelivered: %+v, %v; want build 4's", d, err)
	}
	entries, err := s.Entries.List(t.Context())
	limited := func(e registry.Entry) bool {
		return e.Name == "octo/hello" && e.Limits.Running == 2 && e.Generation == 1
	}
	if err != nil || len(entries) != 3 || !slices.ContainsFunc(entries, limited) {
		t.Errorf("the registry holds %+v, %v", entries, err)
	}
	tokens, err := s.People.Tokens(t.Context())
	if err != nil || len(tokens) != 2 || tokens[1].Pattern != "octo/*" {
		t.Errorf("tokens: %+v, %v", tokens, err)
	}
	audit, err := s.People.Audit(t.Context(), 100)
	if err != nil || len(audit) != 9 {
		t.Errorf("%d lines of the audit, %v", len(audit), err)
	}

	poster := newFakePoster()
	serve(t, s, Work{Reporter: poster, StatusContext: "vivarium", Build: passing})
	waitState(t, s, 5, pipeline.Passed)
	for n, state := range map[int]string{4: "error", 5: "success"} {
		eventually(t, "the end of build "+fmt.Sprint(n), func() bool {
			return slices.Contains(poster.states(push(n).SHA), state)
		})
	}
}
