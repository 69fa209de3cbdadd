// Package watched is where the branches of repositories were when the git host was last asked, and
// when it was asked for what.
package watched

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"vivarium/pipeline"
	"vivarium/server/heads"
	"vivarium/server/store/database"
)

// Watched is what a database knows of it.
type Watched struct{ db *database.DB }

// New is what db knows.
func New(db *database.DB) *Watched { return &Watched{db} }

type headRow struct {
	RepoKey string       `gorm:"primaryKey"` // the full name in lower case
	Ref     pipeline.Ref `gorm:"primaryKey"`
	SHA     string       `gorm:"column:sha"`
}

func (headRow) TableName() string { return "heads" }

type lookRow struct {
	RepoKey string `gorm:"primaryKey"`
	What    string `gorm:"primaryKey"`
	At      int64
}

func (lookRow) TableName() string { return "looks" }

// What is asked for.
const (
	atHeads      = "heads"
	atDeliveries = "deliveries"
)

// Heads gives where a repository's branches were; first says that nobody has looked so far.
func (w *Watched) Heads(ctx context.Context, repo string) (known map[pipeline.Ref]string, first bool, err error) {
	looked, err := w.looked(ctx, repo, atHeads)
	if err != nil || looked.IsZero() {
		return nil, err == nil, err
	}
	var rows []headRow
	if err := w.db.Read(ctx).Where("repo_key = ?", strings.ToLower(repo)).Find(&rows).Error; err != nil {
		return nil, false, fmt.Errorf("read where the branches of %s were: %w", repo, err)
	}
	known = map[pipeline.Ref]string{}
	for _, r := range rows {
		known[r.Ref] = r.SHA
	}
	return known, false, nil
}

// Begin notes the first look at a repository, and branches that are not to be built as they are.
func (w *Watched) Begin(ctx context.Context, repo string, noted []heads.Head) error {
	key := strings.ToLower(repo)
	err := w.db.Transact(ctx, func(tx *database.Tx) error {
		for _, h := range noted {
			if _, err := Keep(tx, repo, heads.Move{Head: h}); err != nil {
				return err
			}
		}
		look := lookRow{RepoKey: key, What: atHeads, At: database.Micros(w.db.Now())}
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&look).Error
	})
	if err != nil {
		return fmt.Errorf("note the branches of %s: %w", repo, err)
	}
	return nil
}

// Keep notes a move, in the transaction that builds it. kept is false where another server was
// first.
func Keep(tx *database.Tx, repo string, m heads.Move) (kept bool, err error) {
	key := strings.ToLower(repo)
	r := tx.Model(&headRow{}).Where("repo_key = ? AND ref = ? AND sha = ?", key, m.Ref, m.Before).Update("sha", m.SHA)
	if m.Before == "" {
		r = tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&headRow{RepoKey: key, Ref: m.Ref, SHA: m.SHA})
	}
	return r.RowsAffected == 1, r.Error
}

// Forget drops branches that are gone.
func (w *Watched) Forget(ctx context.Context, repo string, refs []pipeline.Ref) error {
	if len(refs) == 0 {
		return nil
	}
	err := w.db.Transact(ctx, func(tx *database.Tx) error {
		return tx.Where("repo_key = ? AND ref IN ?", strings.ToLower(repo), refs).Delete(&headRow{}).Error
	})
	if err != nil {
		return fmt.Errorf("drop the branches of %s that are gone: %w", repo, err)
	}
	return nil
}

// DeliveriesSince is until when a repository's deliveries are known to have come; zero: not known.
func (w *Watched) DeliveriesSince(ctx context.Context, repo string) (time.Time, error) {
	return w.looked(ctx, repo, atDeliveries)
}

// DeliveriesUntil notes that a repository's deliveries have come until a time.
func (w *Watched) DeliveriesUntil(ctx context.Context, repo string, until time.Time) error {
	look := lookRow{RepoKey: strings.ToLower(repo), What: atDeliveries, At: database.Micros(until)}
	err := w.db.Transact(ctx, func(tx *database.Tx) error {
		return tx.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "repo_key"}, {Name: "what"}},
			DoUpdates: clause.AssignmentColumns([]string{"at"}),
		}).Create(&look).Error
	})
	if err != nil {
		return fmt.Errorf("note until when the deliveries of %s have come: %w", repo, err)
	}
	return nil
}

func (w *Watched) looked(ctx context.Context, repo, what string) (at time.Time, err error) {
	var rows []lookRow
	err = w.db.Read(ctx).Where("repo_key = ? AND what = ?", strings.ToLower(repo), what).Find(&rows).Error
	if err != nil {
		return at, fmt.Errorf("read when %s of %s was last asked for: %w", what, repo, err)
	}
	if len(rows) > 0 {
		at = database.FromMicros(rows[0].At)
	}
	return at, nil
}

// Rename moves what is known of a repository, by its name in lower case, to its new name.
func Rename(tx *database.Tx, key, name string) error {
	to := strings.ToLower(name)
	if to == key {
		return nil
	}
	if err := Drop(tx, to); err != nil { // of another repository that had the name
		return err
	}
	if err := tx.Model(&headRow{}).Where("repo_key = ?", key).Update("repo_key", to).Error; err != nil {
		return err
	}
	return tx.Model(&lookRow{}).Where("repo_key = ?", key).Update("repo_key", to).Error
}

// Drop removes all that is known of a repository, by its name in lower case.
func Drop(tx *database.Tx, key string) error {
	if err := tx.Where("repo_key = ?", key).Delete(&headRow{}).Error; err != nil {
		return err
	}
	return tx.Where("repo_key = ?", key).Delete(&lookRow{}).Error
}
