package builds

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/store/database"
)

// Query selects builds, newest first. Zero fields other than Sight do not restrict.
type Query struct {
	Sight  Sight  // whose builds may be seen
	Before int64  // only ids below it
	Limit  int    // at most 1000; 0 is 100
	Repo   string // OWNER/NAME, in any letters
	SHA    string
	Ref    pipeline.Ref
	Author string
	State  pipeline.State
	Cause  pipeline.Cause
	Text   string // in the message or the summary, in any letters

	QueuedSince, QueuedUntil time.Time // only those queued at the first or later, and before the second

	Fits  string    // OWNER/NAME or OWNER/PATTERN
	Since time.Time // only those that ended then or later
	Last  bool      // less those whose commit was built again on the same branch: what that came to counts
}

const builtAgain = `SELECT 1 FROM builds l WHERE l.sha = builds.sha AND l.id > builds.id AND l.ref = builds.ref AND ` +
	`lower(l.repo) = lower(builds.repo)`

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// List lists builds without their steps.
func (b *Builds) List(ctx context.Context, q Query) ([]pipeline.Build, error) {
	if q.Repo != "" { // how long the look takes must not tell a hidden repository from none
		if known, err := b.mayKnow(ctx, q.Sight, q.Repo); err != nil || !known {
			return nil, err
		}
	}
	db := q.where(q.Sight.restrict(b.db.Read(ctx), "builds"))
	var rows []Row
	most := min(cmp.Or(max(q.Limit, 0), defaultLimit), maxLimit)
	if err := db.Order("id DESC").Limit(most).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list builds: %w", err)
	}
	list := Of(rows)
	each := make([]*pipeline.Build, len(list))
	for i := range list {
		each[i] = &list[i]
	}
	return list, b.addOutages(ctx, each...)
}

// where restricts a query to what q asks for.
func (q Query) where(db *gorm.DB) *gorm.DB {
	if q.Before > 0 {
		db = db.Where("id < ?", q.Before)
	}
	if q.Repo != "" {
		db = db.Where("upper(repo) = ?", strings.ToUpper(q.Repo)) // in the words of its index
	}
	for _, is := range [...]struct{ column, value string }{
		{"sha", q.SHA}, {"ref", string(q.Ref)}, {"author", q.Author}, {"state", string(q.State)},
		{"cause", string(q.Cause)},
	} {
		if is.value != "" {
			db = db.Where(is.column+" = ?", is.value)
		}
	}
	if q.Text != "" {
		text := database.Containing(strings.ToLower(q.Text))
		db = db.Where(`(lower(message) LIKE ? ESCAPE '\' OR lower(summary) LIKE ? ESCAPE '\')`, text, text)
	}
	if q.Fits != "" {
		db = db.Where(database.Fits("repo", q.Fits))
	}
	if q.Last {
		db = db.Where("NOT EXISTS (" + builtAgain + ")")
	}
	return q.within(db)
}

// within restricts a query to times. Builds get their ids in the order in which they are queued, or
// nearly so: the first and the last id of a time bound how many rows are read, and the time itself
// decides. The sign before id has SQLite look these up in the index of times: it would else read all
// ids from the first on.
func (q Query) within(db *gorm.DB) *gorm.DB {
	if !q.Since.IsZero() {
		db = db.Where("ended_at >= ?", database.Micros(q.Since))
	}
	if !q.QueuedSince.IsZero() {
		at := database.Micros(q.QueuedSince)
		db = db.Where("queued_at >= ? AND id >= (SELECT min(+id) FROM builds WHERE queued_at >= ?)", at, at)
	}
	if !q.QueuedUntil.IsZero() {
		at := database.Micros(q.QueuedUntil)
		db = db.Where("queued_at < ? AND id <= (SELECT max(+id) FROM builds WHERE queued_at < ?)", at, at)
	}
	return db
}
