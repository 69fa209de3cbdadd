package database

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vivarium/server/store/storetest"
)

// nextStep is a migration that a later version might bring.
var nextStep = migration{id: "0009_0.9.0_test", statements: []string{"CREATE TABLE later (id {{id}}, data {{bytes}})"}}

func TestNewerDatabaseIsRefusedWithTheVersionNeeded(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *DB) {
		d := open()
		must(t, d.migrate(t.Context(), append(slices.Clone(migrations), nextStep), Migrate))
		err := d.migrate(t.Context(), migrations, Migrate)
		if newer, ok := errors.AsType[*NewerError](err); !ok || newer.Needs != "0.9.0" || newer.Step != "0009" {
			t.Errorf("got %v, want a NewerError that needs 0.9.0", err)
		}
	})
}

func TestOnlyTheServerMigratesAnExistingDatabase(t *testing.T) {
	everyDatabase(t, func(t *testing.T, reopen func() *DB) {
		d := reopen()
		next := append(slices.Clone(migrations), nextStep)
		for _, may := range []Schema{Make, Keep} {
			must(t, d.migrate(t.Context(), migrations, may))
			err := d.migrate(t.Context(), next, may)
			if older, ok := errors.AsType[*OlderError](err); !ok || older.Steps != 1 || older.New {
				t.Errorf("%d: got %v, want to hear that one step is missing", may, err)
			}
		}
		must(t, d.migrate(t.Context(), next, Migrate))
	})
}

func TestANewDatabaseIsMadeByWhoMay(t *testing.T) {
	_, err := Open(t.Context(), Options{DataDir: t.TempDir(), Log: storetest.Log(t), Schema: Keep})
	if older, ok := errors.AsType[*OlderError](err); !ok || !older.New {
		t.Errorf("got %v, want to hear that it is empty", err)
	}
	d, err := Open(t.Context(), Options{DataDir: t.TempDir(), Log: storetest.Log(t), Schema: Make})
	must(t, err)
	must(t, d.tryWriting(t.Context()))
	must(t, d.Close())
}

func TestDatabaseIsCopiedBeforeAMigration(t *testing.T) {
	o := Options{DataDir: t.TempDir(), Log: storetest.Log(t)}
	d := openDB(t, o)
	must(t, d.Transact(t.Context(), func(tx *Tx) error {
		return tx.Exec("INSERT INTO refusals VALUES ('octo/hello', 1, 2, 3)").Error
	}))
	backups := filepath.Join(o.DataDir, backupDir)
	if _, err := os.Stat(backups); err == nil {
		t.Errorf("a new database was copied")
	}
	must(t, d.migrate(t.Context(), append(slices.Clone(migrations), nextStep), Migrate))
	must(t, d.Read(t.Context()).Exec("SELECT * FROM later").Error)
	copies, err := filepath.Glob(filepath.Join(backups, "vivarium-"+stepNumber(migrations[len(migrations)-1].id)+"-*.db"))
	must(t, err)
	if len(copies) != 1 {
		t.Fatalf("got copies %v, want one", copies)
	}

	old := t.TempDir()
	must(t, os.Rename(copies[0], filepath.Join(old, sqliteFile)))
	var names []string
	must(t, openDB(t, Options{DataDir: old}).Read(t.Context()).Table("refusals").Pluck("name", &names).Error)
	if !slices.Equal(names, []string{"octo/hello"}) {
		t.Errorf("the copy holds %v", names)
	}
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *DB) {
		d := open()
		bad := migration{id: "0009_0.9.0_bad", statements: []string{"CREATE TABLE half (id {{id}})", "NONSENSE"}}
		if err := d.migrate(t.Context(), append(slices.Clone(migrations), bad), Migrate); err == nil ||
			!strings.Contains(err.Error(), bad.id) {
			t.Errorf("got %v, want an error that names the step", err)
		}
		if d.Read(t.Context()).Migrator().HasTable("half") {
			t.Error("half of the migration is there")
		}
		must(t, open().tryWriting(t.Context()))
	})
}
