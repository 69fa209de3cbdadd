package database

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// NewerError says that a newer Vivarium has migrated this database.
type NewerError struct {
	Step  string // the newest step that it has
	Needs string // the version of Vivarium that knows the step
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("the database was migrated by a newer Vivarium (step %s): use Vivarium %s or newer, "+
		"or put back the copy in the data directory's folder backups", e.Step, e.Needs)
}

// OlderError says that the database lacks steps of this Vivarium's, and that they were not to be made.
type OlderError struct {
	Steps int
	New   bool // it has none at all
}

func (e *OlderError) Error() string {
	if e.New {
		return "the database is empty: `vivarium serve` makes what it needs when it starts"
	}
	return fmt.Sprintf("the database is an older Vivarium's: `vivarium serve` of this version migrates it when it "+
		"starts (%d to do); as long as the older server is at work, use its own command", e.Steps)
}

// dialect is how statements read in one database.
type dialect struct {
	id, bytes string                   // in migrations
	clock     string                   // DB.Clock
	jobNumber func(name string) string // Tx.JobNumber
	jobErrors string                   // Tx.JobErrors
	of        func(migration) []string // the statements of a step that this database alone needs
}

func (d dialect) expand(statement string) string {
	return strings.NewReplacer("{{id}}", d.id, "{{bytes}}", d.bytes).Replace(statement)
}

const migrationTable = "schema_migrations"

// migrate applies the steps that the database lacks, where it may: River's first, then ours in one transaction.
func (d *DB) migrate(ctx context.Context, steps []migration, may Schema) (err error) {
	if may != Keep {
		release, failed := d.engine.only(ctx)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	applied, err := d.appliedSteps(ctx)
	if err != nil {
		return fmt.Errorf("read the database's version: %w", err)
	}
	todo, err := missingSteps(applied, steps)
	if err != nil || len(todo) == 0 {
		return err
	}
	if may == Keep || may == Make && len(applied) > 0 {
		return &OlderError{Steps: len(todo), New: len(applied) == 0}
	}
	if len(applied) > 0 {
		if err := d.engine.copyBefore(ctx, stepNumber(applied[len(applied)-1])); err != nil {
			return err
		}
	}
	if err := d.migrateQueue(ctx, todo); err != nil {
		return err
	}
	return d.applyAll(ctx, steps)
}

// migrateQueue brings River's tables to what the steps need.
func (d *DB) migrateQueue(ctx context.Context, todo []migration) error {
	for _, m := range todo {
		if m.river == 0 {
			continue
		}
		if err := d.engine.migrateQueue(ctx, m.river); err != nil {
			return fmt.Errorf("migrate the queue's tables (step %s): %w", m.id, d.engine.translate(err))
		}
	}
	return nil
}

// applyAll applies those of all steps that the database lacks, in one transaction.
func (d *DB) applyAll(ctx context.Context, steps []migration) error {
	err := d.Transact(ctx, func(tx *Tx) error {
		list := make([]*gormigrate.Migration, len(steps))
		for i, m := range steps {
			list[i] = &gormigrate.Migration{ID: m.id, Migrate: func(*gorm.DB) error { return d.apply(tx, m) }}
		}
		return gormigrate.New(tx.DB, &gormigrate.Options{TableName: migrationTable}, list).Migrate()
	})
	if err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

func (d *DB) apply(tx *Tx, m migration) error {
	for _, statement := range slices.Concat(m.statements, d.engine.dialect().of(m)) {
		if err := tx.Exec(d.engine.dialect().expand(statement)).Error; err != nil {
			return fmt.Errorf("step %s: %w", m.id, err)
		}
	}
	return nil
}

func (d *DB) appliedSteps(ctx context.Context) ([]string, error) {
	db := d.Read(ctx)
	if !db.Migrator().HasTable(migrationTable) {
		return nil, nil
	}
	var ids []string
	err := db.Table(migrationTable).Order("id").Pluck("id", &ids).Error
	return ids, err
}

// stepsBefore are the migrations before the one with this number; all of them for an empty one.
func stepsBefore(number string) []migration {
	for i, m := range migrations {
		if stepNumber(m.id) == number {
			return migrations[:i]
		}
	}
	return migrations
}

// missingSteps decides what a database with these applied steps, in their order, lacks.
func missingSteps(applied []string, steps []migration) ([]migration, error) {
	for _, id := range slices.Backward(applied) {
		if !slices.ContainsFunc(steps, func(m migration) bool { return m.id == id }) {
			return nil, &NewerError{Step: stepNumber(id), Needs: stepVersion(id)}
		}
	}
	var todo []migration
	for _, m := range steps {
		if !slices.Contains(applied, m.id) {
			todo = append(todo, m)
		}
	}
	return todo, nil
}

func stepNumber(id string) string {
	number, _, _ := strings.Cut(id, "_")
	return number
}

func stepVersion(id string) string {
	_, rest, _ := strings.Cut(id, "_")
	version, _, _ := strings.Cut(rest, "_")
	return version
}
