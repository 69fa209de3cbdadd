package queue

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"gorm.io/gorm/clause"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/queue/patience"
)

// loss is why an attempt ended without an outcome.
type loss struct {
	Why    string            // for the log, after "attempt N "
	Clean  bool              // the build is not to blame: the server was stopped, or something outside failed
	Shared bool              // the server died while it ran others, too
	Pause  time.Duration     // how long a build that is not to blame waits at least
	Died   bool              // the server died, which may be the build's doing or not
	Waits  *pipeline.Outcome // the trouble outside that ended it
	End    *pipeline.Outcome // how the build ends when it is given up; nil: as internal
}

// count adds a loss to those that speak against b.
func (q *Queue) count(b *builds.Row, l loss) {
	switch {
	case l.Clean:
	case l.Shared:
		b.SharedLosses++
	default:
		b.Losses++
		if b.LostSince == 0 {
			b.LostSince = database.Micros(q.db.Now())
		}
	}
}

// othersDied counts the deaths since b's first loss that b had no part in: of idle servers, and of
// other builds.
func othersDied(tx *database.Tx, b builds.Row) (n int, err error) {
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

// died notes that b's server died with it, and reports whether others died with it. Their leases
// may run out one after the other.
func died(tx *database.Tx, b builds.Row, now time.Time) (shared bool, err error) {
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

// place is where a server works: it tells apart those of one database on several machines or
// folders.
func (q *Queue) place() string {
	if q.db.Exclusive() {
		return ""
	}
	host, _ := os.Hostname()
	dir, err := filepath.Abs(q.db.Dir)
	if err != nil {
		dir = q.db.Dir
	}
	return host + ":" + dir
}

// enter notes that this server works, and that the one before it died idle, if it did.
func (q *Queue) enter(ctx context.Context) error {
	return q.db.Transact(ctx, func(tx *database.Tx) error {
		var before []serverRow
		if err := tx.Where("place = ?", q.place()).Find(&before).Error; err != nil {
			return err
		}
		for _, s := range before {
			if err := diedIdle(tx, s.Owner, q.db.Now()); err != nil {
				return err
			}
		}
		forgotten := database.Micros(q.db.Now().Add(-deathsKept))
		if err := tx.Where("at < ?", forgotten).Delete(&deathRow{}).Error; err != nil {
			return err
		}
		if err := tx.Where("cause = ?", pipeline.CauseEngine).Delete(&builds.OutageRow{}).Error; err != nil {
			return err
		}
		return tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "place"}}, DoUpdates: clause.Assignments(map[string]any{"owner": q.owner}),
		}).Create(&serverRow{Place: q.place(), Owner: q.owner}).Error
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

// leave notes that this server was stopped.
func (q *Queue) leave(ctx context.Context) error {
	return q.db.Transact(ctx, func(tx *database.Tx) error {
		return tx.Where("place = ? AND owner = ?", q.place(), q.owner).Delete(&serverRow{}).Error
	})
}

// suspects are what a claim must know of suspects, the builds that are tried alone.
type suspects struct {
	any     bool // there are some, waiting or running
	others  int  // builds that run on this server, suspects or not
	running bool // one of those is a suspect
}

// suspects looks for suspects before a claim of owner's. While there are some, claims are made one
// at a time.
func (q *Queue) suspects(tx *database.Tx, owner string) (c suspects, err error) {
	if some, err := anySuspect(tx); err != nil || !some {
		return c, err
	}
	if err := tx.Alone(claimLock); err != nil {
		return c, err
	}
	var mine []int
	err = tx.Model(&builds.Row{}).Where("state = ? AND owner = ?", pipeline.Running, owner).
		Pluck("shared_losses", &mine).Error
	c = suspects{any: true, others: len(mine)}
	for _, n := range mine {
		c.running = c.running || n >= patience.TryAlone
	}
	return c, err
}

// anySuspect reports whether a suspect waits or runs. The condition is that of its index.
func anySuspect(tx *database.Tx) (bool, error) {
	var ids []int64
	err := tx.Model(&builds.Row{}).Where("ended_at = 0 AND shared_losses > 1").Limit(1).Pluck("id", &ids).Error
	return len(ids) > 0, err
}
