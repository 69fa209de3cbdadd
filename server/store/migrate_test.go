package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// nextStep is a migration that a later version might bring.
var nextStep = migration{id: "0002_0.9.0_test", statements: []string{"CREATE TABLE later (id {{id}}, data {{bytes}})"}}

func TestNewerDatabaseIsRefusedWithTheVersionNeeded(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		must(t, s.migrate(t.Context(), append(slices.Clone(migrations), nextStep)))
		err := s.migrate(t.Context(), migrations)
		if newer, ok := errors.AsType[*NewerError](err); !ok || newer.Needs != "0.9.0" || newer.Step != "0002" {
			t.Errorf("got %v, want a NewerError that needs 0.9.0", err)
		}
	})
}

func TestDatabaseIsCopiedBeforeAMigration(t *testing.T) {
	o := Options{DataDir: t.TempDir(), Log: testLog(t)}
	s, err := Open(t.Context(), o)
	must(t, err)
	id := accept(t, s, push(1))
	must(t, s.Close())
	backups := filepath.Join(o.DataDir, "backups")
	if _, err := os.Stat(backups); err == nil {
		t.Errorf("a new database was copied")
	}

	s, err = open(t.Context(), o, append(slices.Clone(migrations), nextStep))
	must(t, err)
	must(t, s.db.read(t.Context()).Exec("SELECT * FROM later").Error)
	must(t, s.Close())
	copies, err := filepath.Glob(filepath.Join(backups, "vivarium-0001-*.db"))
	must(t, err)
	if len(copies) != 1 {
		t.Fatalf("got copies %v, want one", copies)
	}

	old := t.TempDir()
	must(t, os.Rename(copies[0], filepath.Join(old, sqliteFile)))
	back := openStore(t, Options{DataDir: old})
	if b, err := back.Build(t.Context(), id); err != nil || b.SHA != push(1).SHA {
		t.Errorf("the copy holds %+v, %v", b, err)
	}
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		bad := migration{id: "0002_0.9.0_bad", statements: []string{"CREATE TABLE half (id {{id}})", "NONSENSE"}}
		if err := s.migrate(t.Context(), append(slices.Clone(migrations), bad)); err == nil || !strings.Contains(err.Error(), bad.id) {
			t.Errorf("got %v, want an error that names the step", err)
		}
		if s.db.read(t.Context()).Migrator().HasTable("half") {
			t.Error("half of the migration is there")
		}
		accept(t, open(), push(1))
	})
}
