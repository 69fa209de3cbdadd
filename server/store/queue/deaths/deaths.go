// Package deaths notes which servers died, and with which builds: what a build's losses are weighed
// against.
package deaths

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"gorm.io/gorm/clause"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// Others counts the deaths since b's first loss that b had no part in: of idle servers, and of
// other builds.
func Others(tx *database.Tx, b builds.Row) (n int, err error) {
	err = tx.Raw(`SELECT (SELECT count(*) FROM deaths WHERE at >= ? AND build_id = 0)
		+ (SELECT count(DISTINCT build_id) FROM deaths WHERE at >= ? AND build_id NOT IN (0, ?)
			AND owner NOT IN (SELECT owner FROM deaths WHERE build_id = ?))`,
		b.LostSince, b.LostSince, b.ID, b.ID).Scan(&n).Error
	return n, err
}

// deathRow says that a server died while it ran a build; 0: it was idle.
type deathRow struct {
	ID      int64 `gorm:"primaryKey"`
	Owner   string
	BuildID int64
	At      int64
}

func (deathRow) TableName() string { return "deaths" }

// Died notes that b's server died with it, and reports whether others died with it. Their leases
// may run out one after the other.
func Died(tx *database.Tx, b builds.Row, now time.Time) (shared bool, err error) {
	var company int64
	err = tx.Raw(`SELECT (SELECT count(*) FROM builds WHERE state = ? AND owner = ? AND id <> ?)
		+ (SELECT count(*) FROM deaths WHERE owner = ? AND build_id <> ?)`,
		pipeline.Running, b.Owner, b.ID, b.Owner, b.ID).Scan(&company).Error
	if err != nil {
		return false, err
	}
	return company > 0, tx.Create(&deathRow{Owner: b.Owner, BuildID: b.ID, At: database.Micros(now)}).Error
}

// serverRow is a server that has not been stopped. Where its successor finds it, it has died.
type serverRow struct {
	Place string `gorm:"primaryKey"`
	Owner string
}

func (serverRow) TableName() string { return "servers" }

// deathsKept is how long a death may speak for a build.
const deathsKept = 7 * 24 * time.Hour

// placeOf is where a server works: it tells apart those of one database on several machines or
// folders.
func placeOf(db *database.DB) string {
	if db.Exclusive() {
		return ""
	}
	host, _ := os.Hostname()
	dir, err := filepath.Abs(db.Dir)
	if err != nil {
		dir = db.Dir
	}
	return host + ":" + dir
}

// Enter notes that a server works, and that the one before it died idle, if it did.
func Enter(ctx context.Context, db *database.DB, owner string) error {
	return db.Transact(ctx, func(tx *database.Tx) error {
		var before []serverRow
		if err := tx.Where("place = ?", placeOf(db)).Find(&before).Error; err != nil {
			return err
		}
		for _, s := range before {
			if err := diedIdle(tx, s.Owner, db.Now()); err != nil {
				return err
			}
		}
		forgotten := database.Micros(db.Now().Add(-deathsKept))
		if err := tx.Where("at < ?", forgotten).Delete(&deathRow{}).Error; err != nil {
			return err
		}
		if err := tx.Where("cause = ?", pipeline.CauseEngine).Delete(&builds.OutageRow{}).Error; err != nil {
			return err
		}
		return tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "place"}}, DoUpdates: clause.Assignments(map[string]any{"owner": owner}),
		}).Create(&serverRow{Place: placeOf(db), Owner: owner}).Error
	})
}

// diedIdle notes the death of a server that ran nothing.
func diedIdle(tx *database.Tx, owner string, now time.Time) error {
	var ran int64
	err := tx.Raw(`SELECT (SELECT count(*) FROM builds WHERE state = ? AND owner = ?)
			+ (SELECT count(*) FROM deaths WHERE owner = ?)`,
		pipeline.Running, owner, owner).Scan(&ran).Error
	if err != nil || ran > 0 {
		return err
	}
	return tx.Create(&deathRow{Owner: owner, At: database.Micros(now)}).Error
}

// Leave notes that a server was stopped.
func Leave(ctx context.Context, db *database.DB, owner string) error {
	return db.Transact(ctx, func(tx *database.Tx) error {
		return tx.Where("place = ? AND owner = ?", placeOf(db), owner).Delete(&serverRow{}).Error
	})
}
