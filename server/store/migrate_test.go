package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/limits"
)

// nextStep is a migration that a later version might bring.
var nextStep = migration{id: "0009_0.9.0_test", statements: []string{"CREATE TABLE later (id {{id}}, data {{bytes}})"}}

func TestNewerDatabaseIsRefusedWithTheVersionNeeded(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		must(t, s.migrate(t.Context(), append(slices.Clone(migrations), nextStep), Migrate))
		err := s.migrate(t.Context(), migrations, Migrate)
		if newer, ok := errors.AsType[*NewerError](err); !ok || newer.Needs != "0.9.0" || newer.Step != "0009" {
			t.Errorf("got %v, want a NewerError that needs 0.9.0", err)
		}
	})
}

func TestOnlyTheServerMigratesAnExistingDatabase(t *testing.T) {
	everyDatabase(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		next := append(slices.Clone(migrations), nextStep)
		for _, may := range []Schema{Make, Keep} {
			must(t, s.migrate(t.Context(), migrations, may))
			err := s.migrate(t.Context(), next, may)
			if older, ok := errors.AsType[*OlderError](err); !ok || older.Steps != 1 || older.New {
				t.Errorf("%d: got %v, want to hear that one step is missing", may, err)
			}
		}
		must(t, s.migrate(t.Context(), next, Migrate))
	})
}

func TestANewDatabaseIsMadeByWhoMay(t *testing.T) {
	_, err := Open(t.Context(), Options{DataDir: t.TempDir(), Log: testLog(t), Schema: Keep})
	if older, ok := errors.AsType[*OlderError](err); !ok || !older.New {
		t.Errorf("got %v, want to hear that it is empty", err)
	}
	s := openStore(t, Options{DataDir: t.TempDir(), Log: testLog(t), Schema: Make})
	accept(t, s, push(1))
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
	copies, err := filepath.Glob(filepath.Join(backups, "vivarium-"+stepNumber(migrations[len(migrations)-1].id)+"-*.db"))
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

func TestBuildsOfTheFirstSchemaAreReadableAndTakeTheirTurn(t *testing.T) {
	o := Options{DataDir: t.TempDir(), Log: testLog(t)}
	s, err := open(t.Context(), o, migrations[:1])
	must(t, err)
	old := buildRow{Repo: "Octo/Hello", Ref: "refs/heads/main", SHA: push(1).SHA, Trigger: "push", State: pipeline.Queued}
	must(t, s.db.transact(t.Context(), func(tx *tx) error {
		if err := tx.Omit("EntryID", "Spent", "LogBytes", "BeforeSHA", "PushedAt", "SharedLosses", "LostSince", "WaitCause", "WaitWhy", "WaitSince",
			"WaitTries", "WaitTold", "TurnServed").Create(&old).Error; err != nil {
			return err
		}
		return tx.Exec(`INSERT INTO steps VALUES (?, 0, 'clone', 'passed', '', 'git fetch', 0, '', 1, 2, 3, 4, 'a note', 0, 7)`, old.ID).Error
	}))
	must(t, s.Close())
	s = openStore(t, o)
	b, err := s.Build(t.Context(), old.ID)
	if err != nil || len(b.Steps) != 1 || b.Steps[0].Note != "a note" || b.Limits() != nil {
		t.Errorf("got %+v, %v; want the step as it was, without limits", b.Steps, err)
	}
	if repos, _ := order(t, s); !slices.Equal(repos, []string{"Octo/Hello"}) {
		t.Errorf("claimed %v, want the build that waited", repos)
	}
}

func TestLimitsOfAStepAreStored(t *testing.T) {
	want := limits.Limits{Timeout: time.Minute, LogLimit: 5, LogRate: 6}
	want.Memory, want.Disk, want.CPUs, want.Pids, want.FileSize, want.OpenFiles, want.Inodes = 1<<30, 2<<30, 0.1, 3, 4, 7, 8
	if got, err := decodeLimits(encodeLimits(want)); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		id := accept(t, s, push(1))
		serve(t, s, Work{Build: func(ctx context.Context, _ pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
			lower := want
			lower.Pids = 1
			step := pipeline.Step{Name: pipeline.StepPlan, State: pipeline.StepPassed, StartedAt: time.Now(), Limits: want}
			err := rec.StepStarted(ctx, step)
			step.EndedAt, step.Limits = time.Now(), lower
			err = errors.Join(err, rec.StepEnded(ctx, step), rec.StepEnded(ctx, pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepSkipped}))
			return pipeline.Outcome{State: pipeline.Passed}, err
		}})
		eventually(t, "the build's end", func() bool {
			b, err := s.Build(t.Context(), id)
			must(t, err)
			return b.State == pipeline.Passed && b.Limits() != nil && b.Limits().Pids == 1 && b.Limits().CPUs == 0.1
		})
	})
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		bad := migration{id: "0009_0.9.0_bad", statements: []string{"CREATE TABLE half (id {{id}})", "NONSENSE"}}
		if err := s.migrate(t.Context(), append(slices.Clone(migrations), bad), Migrate); err == nil || !strings.Contains(err.Error(), bad.id) {
			t.Errorf("got %v, want an error that names the step", err)
		}
		if s.db.read(t.Context()).Migrator().HasTable("half") {
			t.Error("half of the migration is there")
		}
		accept(t, open(), push(1))
	})
}
