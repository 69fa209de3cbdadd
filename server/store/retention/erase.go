package retention

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"vivarium/pipeline"
	"vivarium/server/store/buildlog"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/entries"
	"vivarium/server/store/notices"
	"vivarium/server/store/outbox"
	"vivarium/server/store/people"
	"vivarium/server/store/queue"
	"vivarium/server/store/watched"
)

// builds removes the builds in a state, or in any, with all that belongs to each. Each has a
// transaction of its own, so that none keeps webhooks waiting for long. A build that a server has
// begun meanwhile is left to the next round.
func (e *erasure) builds(ctx context.Context, state pipeline.State) error {
	query := e.db.Read(ctx).Select("id", "attempt").Where("lower(repo) = ?", e.key)
	if state != "" {
		query = query.Where("state = ?", state)
	}
	var rows []builds.Row
	if err := query.Order("id").Find(&rows).Error; err != nil {
		return err
	}
	for _, b := range rows {
		var n Purged
		err := e.transact(ctx, func(tx *database.Tx) (err error) {
			n, err = remove(tx, b)
			return err
		})
		if err != nil {
			return fmt.Errorf("build %d: %w", b.ID, err)
		}
		e.add(n)
	}
	return nil
}

// deadlocks is how often PostgreSQL may end a transaction of a purge.
const deadlocks = 10

// transact tries again where PostgreSQL has ended the transaction for a deadlock: compaction locks a
// log's rows before their build's, and a purge the build's first.
func (e *erasure) transact(ctx context.Context, fn func(*database.Tx) error) error {
	return database.TryAgain(deadlocks, database.IsDeadlock, func() error { return e.db.Transact(ctx, fn) })
}

func (e *erasure) add(n Purged) {
	e.sum.Builds += n.Builds
	e.sum.Deliveries += n.Deliveries
	e.sum.Steps += n.Steps
	e.sum.LogBytes += n.LogBytes
	e.sum.Statuses += n.Statuses
}

// remove removes a build, unless another attempt at it has begun meanwhile.
func remove(tx *database.Tx, b builds.Row) (n Purged, err error) {
	for _, count := range []struct {
		into  *int64
		query string
	}{
		{&n.Deliveries, "SELECT count(*) FROM deliveries WHERE build_id = @build"},
		{&n.Steps, "SELECT count(*) FROM steps WHERE build_id = @build"},
		{&n.Statuses, "SELECT count(*) FROM statuses WHERE build_id = @build"},
	} {
		if err := tx.Raw(count.query, sql.Named("build", b.ID)).Scan(count.into).Error; err != nil {
			return Purged{}, err
		}
	}
	if n.LogBytes, err = buildlog.Stored(tx, b.ID); err != nil {
		return Purged{}, err
	}
	r := tx.Where("id = ? AND attempt = ?", b.ID, b.Attempt).Delete(&builds.Row{}) // the rest goes with it
	if r.Error != nil || r.RowsAffected == 0 {
		return Purged{}, r.Error
	}
	n.Builds = 1
	return n, nil
}

// errMore rolls back the last transaction of a purge: it was not the last.
var errMore = errors.New("builds have come meanwhile")

// rest removes what names the repository beside its builds, and writes the audit line. It is not clean
// when builds have come meanwhile.
func (e *erasure) rest(ctx context.Context) (clean bool, err error) {
	var n Purged
	err = e.transact(ctx, func(tx *database.Tx) (err error) {
		if n, err = e.removeNames(tx); err != nil {
			return err
		}
		var left int64
		if err := tx.Model(&builds.Row{}).Where("lower(repo) = ?", e.key).Count(&left).Error; err != nil {
			return err
		}
		if left > 0 {
			return errMore
		}
		return people.AddChange(tx, e.by, "purged", e.pseudonym)
	})
	if errors.Is(err, errMore) {
		return false, nil
	}
	if err == nil {
		e.sum.Jobs, e.sum.Refusals, e.sum.Entries, e.sum.Tokens = n.Jobs, n.Refusals, n.Entries, n.Tokens
		e.sum.AuditLines, e.sum.Changed = n.AuditLines, n.Changed
	}
	return err == nil, err
}

// removeNames removes it from the registry, the outbox, the tokens, the queue and the audit. Rows are
// locked in the order in which a push locks them, and builds are looked for after them: on PostgreSQL a
// push that is under way is either waited for and seen, or begins anew after this.
func (e *erasure) removeNames(tx *database.Tx) (n Purged, err error) {
	if n.Entries, n.Changed, err = entries.Drop(tx, e.key); err != nil {
		return n, err
	}
	if n.Jobs, err = outbox.DropJobs(tx, e.key); err != nil {
		return n, err
	}
	if n.Tokens, err = people.DropTokensOf(tx, e.key); err != nil {
		return n, err
	}
	if err := outbox.DropTargets(tx, e.key); err != nil {
		return n, err
	}
	if err := queue.DropTurn(tx, e.key); err != nil {
		return n, err
	}
	if err := errors.Join(watched.Drop(tx, e.key), notices.Drop(tx, e.key)); err != nil {
		return n, err
	}
	if n.Refusals, err = entries.DropRefusal(tx, e.key); err != nil {
		return n, err
	}
	n.AuditLines, err = people.HideInAudit(tx, e.key, e.pseudonym)
	return n, err
}
