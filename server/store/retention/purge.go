package retention

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
	"vivarium/server/store/people"
)

// purgePatience is how long a purge waits until running builds have ended and no more pushes come.
const purgePatience = time.Minute

// awaitEvery is how often a purge looks whether running builds have ended.
const awaitEvery = 100 * time.Millisecond

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
	// Others are names that may mean the same repository, by GitHub's id or by the name that a secret
	// is derived from.
	Others []string
}

// Purge removes all that there is of one repository, and keeps an audit line that holds its pseudonym.
// Builds that run are canceled first; where they have not ended after a minute it fails with
// ErrStillRunning. What was removed before an error stays removed, and the purge may be repeated.
// Database.Scrub removes what deleted rows leave in the files.
func (r *Retention) Purge(ctx context.Context, by people.Actor, name, pseudonym string) (p Purged, err error) {
	e := &erasure{Retention: r, by: by, name: name, key: strings.ToLower(name), pseudonym: pseudonym}
	limit, cancel := context.WithTimeout(ctx, purgePatience)
	defer cancel()
	if e.sum.Others, err = r.sameRepository(ctx, e.key); err != nil {
		return Purged{}, fmt.Errorf("look for other names of %s: %w", name, err)
	}
	for clean := false; !clean; {
		// Builds that wait go first: else one would begin where another is canceled.
		if err := e.builds(ctx, pipeline.Queued); err != nil {
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
	*Retention
	sum       Purged
	by        people.Actor
	name      string
	key       string // the name in lower case
	pseudonym string
}

// awaitEnd cancels the builds that a living server works on, and waits until there are none.
func (e *erasure) awaitEnd(ctx context.Context) error {
	tick := time.NewTicker(awaitEvery)
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
			if err := e.cancel(ctx, id); err != nil {
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

// cancel asks a build to end. One that has ended, or was removed by another purge, needs no asking.
func (e *erasure) cancel(ctx context.Context, build int64) error {
	err := e.queue.Cancel(ctx, e.by, build)
	if errors.Is(err, builds.ErrEnded) || errors.Is(err, database.ErrNotFound) {
		return nil
	}
	return err
}

// stillRunning are the builds of a repository that a living server works on. Those of a dead server
// are removed as they are.
func (r *Retention) stillRunning(ctx context.Context, key string) (ids []int64, err error) {
	query := r.db.Read(ctx).Model(&builds.Row{}).Where("lower(repo) = ? AND state = ?", key, pipeline.Running)
	if r.db.Exclusive() {
		if served, err := r.db.Locked(); err != nil || !served {
			return nil, err
		}
	} else {
		query = query.Where("lease_until >= " + r.db.Clock())
	}
	return ids, query.Order("id").Pluck("id", &ids).Error
}

// sameRepository gives other names under which GitHub's id of the repository stands here, and names
// whose secret is derived from this one. The ids are what deliveries said: who signs one can name any,
// so that they are a hint and no more.
func (r *Retention) sameRepository(ctx context.Context, key string) (names []string, err error) {
	const query = `
		SELECT DISTINCT repo FROM builds
			WHERE lower(repo) <> @key
				AND repo_id IN (SELECT repo_id FROM builds WHERE lower(repo) = @key AND repo_id > 0)
		UNION
		SELECT name FROM repositories WHERE lower(secret_name) = @key AND name_key <> @key
		ORDER BY 1`
	err = r.db.Read(ctx).Raw(query, sql.Named("key", key)).Scan(&names).Error
	return names, err
}
