package store

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"gorm.io/gorm/clause"

	"vivarium/pipeline"
)

// The death of a server is not its builds' doing, but for a build that kills each server that works on it: that must not go on
// for ever. What tells the two apart:
//
//   - A server that was stopped, trouble outside, and trouble of the database count for nothing.
//   - Builds that died together count for none of them. Who did so twice is tried alone from then on: nothing else runs on that
//     server meanwhile.
//   - A build that was the only one when its server died, or whose attempt broke by itself, has a loss. From the second on it
//     waits, longer each time and longer than it ran, while others go on: a server that is killed from outside then dies without
//     it, too. (Of builds of 1 to 10 s on servers that are killed every 6 s, none of 4000 was given up; with pauses that double
//     in place of quadruple, 60 were.)
//   - It is given up after maxLosses of them, if they are more than twice the deaths since its first that it had no part in: each
//     of an idle server, and each other build that died alone or in company, once.

// maxLosses is how many losses a build has at least before it is given up.
const maxLosses = 5

// tryAlone is how often a build may die in company before it is tried alone. The first may be any server's own.
const tryAlone = 2

// minHold and maxHold bound how long a build waits after its second loss, and after any. The first is shorter in tests.
var minHold = 5 * time.Second

const maxHold = 10 * time.Minute

// isGuilty decides whether a build is given up: it has so many losses, and so often something else died without it.
func isGuilty(losses, others int) bool { return losses >= maxLosses && losses > 2*others }

// holdAfter is how long a build waits after its n-th loss, when its attempt had run so long and died with its server.
func holdAfter(n int, ran time.Duration) time.Duration {
	if n < 2 {
		return 0
	}
	return doubled(max(2*ran, minHold), 2*(n-2), maxHold)
}

// mayBegin decides whether a build may begin on a server that runs others. A suspect is one that is tried alone.
func mayBegin(suspect bool, others int, suspectRuns bool) bool {
	return !suspectRuns && (!suspect || others == 0)
}

// loss is why an attempt ended without an outcome.
type loss struct {
	Why    string            // for the log, after "attempt N "
	Clean  bool              // the build is not to blame: the server was stopped, or something outside failed
	Shared bool              // the server died while it ran others, too
	Pause  time.Duration     // how long a build that is not to blame waits at least
	Died   bool              // the server died: what would tell its doing from the build's takes longer
	Waits  *pipeline.Outcome // the trouble outside that ended it
	End    *pipeline.Outcome // how the build ends when it is given up; nil: as internal
}

// isCharged reports whether the attempt counts for its repository's minutes: the package index is asked by the repository's own
// programs, for as long as they like. What else ended it is not its doing.
func (l loss) isCharged() bool { return l.Waits != nil && l.Waits.Cause == pipeline.CauseIndex }

// count adds a loss to what speaks against b.
func (s *Store) count(b *buildRow, l loss) {
	switch {
	case l.Clean:
	case l.Shared:
		b.SharedLosses++
	default:
		b.Losses++
		if b.LostSince == 0 {
			b.LostSince = micros(s.now())
		}
	}
}

// othersDied counts what died without b since its first loss.
func (tx *tx) othersDied(b buildRow) (n int, err error) {
	err = tx.Raw(`SELECT (SELECT count(*) FROM deaths WHERE at >= ? AND build_id = 0)
		+ (SELECT count(DISTINCT build_id) FROM deaths WHERE at >= ? AND build_id NOT IN (0, ?)
			AND owner NOT IN (SELECT owner FROM deaths WHERE build_id = ?))`,
		b.LostSince, b.LostSince, b.ID, b.ID).Scan(&n).Error
	return n, err
}

// deathRow is that a server died while it ran a build, or none: 0.
type deathRow struct {
	ID      int64 `gorm:"primaryKey"`
	Owner   string
	BuildID int64
	At      int64
}

func (deathRow) TableName() string { return "deaths" }

// died notes that b's server died with it, and reports whether others died with it. Their leases may run out one after the other.
func (tx *tx) died(b buildRow, now time.Time) (shared bool, err error) {
	var company int64
	err = tx.Raw(`SELECT (SELECT count(*) FROM builds WHERE state = ? AND owner = ? AND id <> ?)
		+ (SELECT count(*) FROM deaths WHERE owner = ? AND build_id <> ?)`,
		pipeline.Running, b.Owner, b.ID, b.Owner, b.ID).Scan(&company).Error
	if err != nil {
		return false, err
	}
	return company > 0, tx.Create(&deathRow{Owner: b.Owner, BuildID: b.ID, At: micros(now)}).Error
}

// serverRow is a server that has not been stopped. One that is found when its successor starts has died.
type serverRow struct {
	Place string `gorm:"primaryKey"`
	Owner string
}

func (serverRow) TableName() string { return "servers" }

// deathsKept is how long a death may speak for a build.
const deathsKept = 7 * 24 * time.Hour

// place tells the servers apart that serve one database from several folders or machines.
func (v *server) place() string {
	if v.db.exclusive() {
		return ""
	}
	host, _ := os.Hostname()
	dir, err := filepath.Abs(v.dir)
	if err != nil {
		dir = v.dir
	}
	return host + ":" + dir
}

// enter notes that this server works, and that the one before it died idle, if it did.
func (v *server) enter(ctx context.Context) error {
	return v.db.transact(ctx, func(tx *tx) error {
		var before []serverRow
		if err := tx.Where("place = ?", v.place()).Find(&before).Error; err != nil {
			return err
		}
		for _, s := range before {
			if err := tx.diedIdle(s.Owner, v.now()); err != nil {
				return err
			}
		}
		if err := tx.Where("at < ?", micros(v.now().Add(-deathsKept))).Delete(&deathRow{}).Error; err != nil {
			return err
		}
		if err := tx.Where("cause = ?", pipeline.CauseEngine).Delete(&outageRow{}).Error; err != nil {
			return err
		}
		return tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "place"}}, DoUpdates: clause.Assignments(map[string]any{"owner": v.owner}),
		}).Create(&serverRow{Place: v.place(), Owner: v.owner}).Error
	})
}

// diedIdle notes the death of a server that ran nothing.
func (tx *tx) diedIdle(owner string, now time.Time) error {
	var ran int64
	err := tx.Raw("SELECT (SELECT count(*) FROM builds WHERE state = ? AND owner = ?) + (SELECT count(*) FROM deaths WHERE owner = ?)",
		pipeline.Running, owner, owner).Scan(&ran).Error
	if err != nil || ran > 0 {
		return err
	}
	return tx.Create(&deathRow{Owner: owner, At: micros(now)}).Error
}

// leave notes that this server was stopped.
func (v *server) leave(ctx context.Context) error {
	return v.db.transact(ctx, func(tx *tx) error {
		return tx.Where("place = ? AND owner = ?", v.place(), v.owner).Delete(&serverRow{}).Error
	})
}

// suspects are what a claim must know of builds that are tried alone.
type suspects struct {
	any     bool // some wait or run
	others  int  // builds that run on this server
	running bool // one of them is a suspect
}

// suspects reads that for a claim of owner's. While there are some, claims are made one at a time.
func (s *Store) suspects(tx *tx, owner string) (c suspects, err error) {
	if some, err := tx.anySuspect(); err != nil || !some {
		return c, err
	}
	if err := s.db.oneClaim(tx); err != nil {
		return c, err
	}
	var mine []int
	err = tx.Model(&buildRow{}).Where("state = ? AND owner = ?", pipeline.Running, owner).Pluck("shared_losses", &mine).Error
	c = suspects{any: true, others: len(mine)}
	for _, n := range mine {
		c.running = c.running || n >= tryAlone
	}
	return c, err
}

// anySuspect reports whether a build waits or runs that is tried alone: by an index, in its words.
func (tx *tx) anySuspect() (bool, error) {
	var ids []int64
	err := tx.Model(&buildRow{}).Where("ended_at = 0 AND shared_losses > 1").Limit(1).Pluck("id", &ids).Error
	return len(ids) > 0, err
}
