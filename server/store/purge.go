package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/entries"
	"vivarium/server/store/outbox"
	"vivarium/server/store/people"
	"vivarium/server/store/queue"
)

// purgePatience is how long a purge waits for running builds to end, and for pushes that come meanwhile to cease.
const purgePatience = time.Minute

// ErrStillRunning says that builds did not end although they were canceled.
var ErrStillRunning = errors.New("builds of it still run")

// Purged counts what was removed with a repository.
type Purged struct {
	Builds     int64
	Deliveries int64
	Steps      int64
	LogBytes   int64 // as they were stored, that is most of them compressed
	Statuses   int64
	Jobs       int64
	Refusals   int64 // names of refused deliveries
	Entries    int64 // of the registry
	Tokens     int64 // that opened this repository alone
	AuditLines int64 // in which a pseudonym now stands for the name
	// Changed says that the secret had been changed: let in again, the repository has its first one.
	Changed bool
	// Others are names that may mean the same repository, by GitHub's id or by the name that a secret is derived from.
	Others []string
}

// Purge removes what there is of one repository, and keeps of it an audit line that holds its pseudonym. Queued builds go,
// running ones are canceled first and waited for: after a minute it is ErrStillRunning. What was removed up to an error
// stays removed; the purge may be repeated. Scrub removes what deleted rows leave in the files.
func (s *Store) Purge(ctx context.Context, by people.Actor, name, pseudonym string) (p Purged, err error) {
	e := &erasure{Store: s, by: by, name: name, key: strings.ToLower(name), pseudonym: pseudonym}
	limit, cancel := context.WithTimeout(ctx, purgePatience)
	defer cancel()
	if e.sum.Others, err = s.sameRepository(ctx, e.key); err != nil {
		return Purged{}, fmt.Errorf("look for other names of %s: %w", name, err)
	}
	for clean := false; !clean; {
		if err := e.builds(ctx, pipeline.Queued); err != nil { // or one would begin where another is canceled
			return e.sum, fmt.Errorf("remove the waiting builds of %s: %w", name, err)
		}
		if err := e.awaitEnd(limit); err != nil {
			return e.sum, err
		}
		if err := e.builds(ctx, ""); err != nil {
			return e.sum, fmt.Errorf("remove the builds of %s: %w", name, err)
		}
		if clean, err = e.rest(ctx); err != nil {
			return e.sum, fmt.Errorf("remove what is left of %s: %w", name, err)
		}
	}
	return e.sum, nil
}

// erasure is one purge under way.
type erasure struct {
	*Store
	sum       Purged
	by        people.Actor
	name      string
	key       string // the name in lower case
	pseudonym string
}

// awaitEnd cancels the builds that a living server works on, and waits until there are none.
func (e *erasure) awaitEnd(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		running, err := e.stillRunning(ctx, e.key)
		if err != nil {
			return fmt.Errorf("look for running builds of %s: %w", e.name, err)
		}
		if len(running) == 0 {
			return nil
		}
		for _, id := range running {
			if err := e.Queue.Cancel(ctx, e.by, id); err != nil && !errors.Is(err, builds.ErrEnded) && !errors.Is(err, database.ErrNotFound) {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the builds %v of %s: %w", running, e.name, ErrStillRunning)
		}
	}
}

// stillRunning are the builds of a repository that a living server works on. Those of a dead one need no end.
func (s *Store) stillRunning(ctx context.Context, key string) (ids []int64, err error) {
	query := s.db.Read(ctx).Model(&builds.Row{}).Where("lower(repo) = ? AND state = ?", key, pipeline.Running)
	if s.db.Exclusive() {
		if served, err := s.db.Locked(); err != nil || !served {
			return nil, err
		}
	} else {
		query = query.Where("lease_until >= " + s.db.Clock())
	}
	return ids, query.Order("id").Pluck("id", &ids).Error
}

// builds removes the builds in a state, or in any, one by one, each with all that hangs on it, so that no transaction keeps webhooks waiting. One
// that a server has begun meanwhile is left for the next round.
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
			n, err = removeBuild(tx, b)
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

// transact tries again where PostgreSQL has ended the transaction so that another one could go on: the compactor takes a
// log's rows before their build's, a purge the build's first.
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

func removeBuild(tx *database.Tx, b builds.Row) (n Purged, err error) {
	for _, count := range []struct {
		into  *int64
		query string
	}{
		{&n.Deliveries, "SELECT count(*) FROM deliveries WHERE build_id = @build"},
		{&n.Steps, "SELECT count(*) FROM steps WHERE build_id = @build"},
		{&n.Statuses, "SELECT count(*) FROM statuses WHERE build_id = @build"},
		{&n.LogBytes, `SELECT coalesce(sum(length(data)), 0) FROM (
			SELECT data FROM log_chunks WHERE build_id = @build UNION ALL SELECT data FROM log_blocks WHERE build_id = @build) AS pieces`},
	} {
		if err := tx.Raw(count.query, sql.Named("build", b.ID)).Scan(count.into).Error; err != nil {
			return Purged{}, err
		}
	}
	r := tx.Where("id = ? AND attempt = ?", b.ID, b.Attempt).Delete(&builds.Row{}) // the rest goes with it
	if r.Error != nil || r.RowsAffected == 0 {
		return Purged{}, r.Error
	}
	n.Builds = 1
	return n, nil
}

// errMore rolls back a purge that is not the last of the repository.
var errMore = errors.New("builds have come meanwhile")

// rest removes what names the repository beside its builds, and writes the audit line. It is not clean when builds have
// come meanwhile. Rows are taken in the order in which a push takes them, and builds are looked for last: on PostgreSQL
// a push that is under way is either waited for and seen, or begins anew after this.
func (e *erasure) rest(ctx context.Context) (clean bool, err error) {
	var n Purged
	err = e.transact(ctx, func(tx *database.Tx) (err error) {
		n = Purged{}
		if n.Entries, n.Changed, err = entries.Drop(tx, e.key); err != nil {
			return err
		}
		if n.Jobs, err = outbox.DropJobs(tx, e.key); err != nil {
			return err
		}
		if n.Tokens, err = people.DropTokensOf(tx, e.key); err != nil {
			return err
		}
		if err := outbox.DropTargets(tx, e.key); err != nil {
			return err
		}
		if err := queue.DropTurn(tx, e.key); err != nil {
			return err
		}
		if n.Refusals, err = entries.DropRefusal(tx, e.key); err != nil {
			return err
		}
		if n.AuditLines, err = people.HideInAudit(tx, e.key, e.pseudonym); err != nil {
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

// sameRepository gives other names under which GitHub's id of the repository stands here, and names whose secret is
// derived from this one. The ids are what deliveries said: who signs one can name any, so that they are a hint and no more.
func (s *Store) sameRepository(ctx context.Context, key string) (names []string, err error) {
	err = s.db.Read(ctx).Raw(`SELECT DISTINCT repo FROM builds
			WHERE lower(repo) <> ? AND repo_id IN (SELECT repo_id FROM builds WHERE lower(repo) = ? AND repo_id > 0)
		UNION SELECT name FROM repositories WHERE lower(secret_name) = ? AND name_key <> ? ORDER BY 1`, key, key, key, key).Scan(&names).Error
	return names, err
}
