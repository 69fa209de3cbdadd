package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"vivarium/pipeline"
)

// errLost says that an attempt is no longer the build's: another one has replaced it, or the build has ended.
// Whoever gets it stops, and writes nothing more.
var errLost = errors.New("the attempt was replaced")

const (
	leaseTime  = 10 * time.Second // PostgreSQL: a server that did not renew for so long is dead
	leaseRenew = 3 * time.Second
)

// claim begins an attempt at the build whose turn it is, for a job. ok is false when there is none.
func (s *Store) claim(ctx context.Context, job int64, owner string) (b buildRow, ok bool, err error) {
	for !ok && err == nil {
		var none bool
		err = s.db.transact(ctx, func(tx *tx) error {
			id, found, err := s.nextBuild(tx)
			if err != nil || !found {
				none = !found
				return err
			}
			ok, err = s.begin(tx, id, job, owner, &b)
			if err != nil || !ok {
				return err
			}
			return s.served(tx, b.Repo)
		})
		if none {
			return buildRow{}, false, err
		}
	}
	if err != nil {
		return buildRow{}, false, fmt.Errorf("claim a build: %w", err)
	}
	return b, ok, nil
}

// begin moves a build from queued to running, unless another server was faster.
func (s *Store) begin(tx *tx, id, job int64, owner string, b *buildRow) (bool, error) {
	r := tx.Exec(`UPDATE builds SET state = ?, attempt = attempt + 1, job_id = ?, owner = ?,
			started_at = ?, lease_until = `+s.db.clock()+` + ?
		WHERE id = ? AND state = ?`,
		pipeline.Running, job, owner, micros(s.now()), leaseTime.Microseconds(), id, pipeline.Queued)
	if r.Error != nil || r.RowsAffected == 0 {
		return false, r.Error
	}
	return true, tx.Take(b, id).Error
}

// fenced is the build's row on the condition that the attempt is still the one that runs.
func (tx *tx) fenced(build int64, attempt int) *gorm.DB {
	return tx.Model(&buildRow{}).Where("id = ? AND attempt = ? AND state = ?", build, attempt, pipeline.Running)
}
