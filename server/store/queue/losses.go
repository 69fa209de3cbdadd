package queue

import (
	"time"

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
