package outbox

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"vivarium/server/store/database"
)

// Status is one row of the outbox.
type Status struct {
	BuildID     int64
	State       string // GitHub's word
	Description string
	Context     string    // empty while it was never tried
	SentAt      time.Time // zero while it has not been accepted
	Attempts    int
	LastError   string
	Code        int       // of the host's refusal that LastError tells of; 0: it was none
	NextTry     time.Time // not before; zero where nothing keeps it back
	Undelivered bool      // given up
	Superseded  bool      // left out: a newer state of the commit was known before this one was sent
}

func (r statusRow) status(notBefore int64) Status {
	st := Status{
		BuildID: r.BuildID, State: r.State, Description: r.Payload, Context: r.Context,
		SentAt: database.FromMicros(r.SentAt), Attempts: r.Attempts, LastError: r.LastError, Code: r.Code,
		Undelivered: r.FailedAt > 0, Superseded: r.Superseded,
	}
	if r.open() {
		st.NextTry = database.FromMicros(notBefore)
	}
	return st
}

// statusOfTarget is a row of the outbox with what keeps it back.
type statusOfTarget struct {
	Row       statusRow `gorm:"embedded"`
	NotBefore int64
}

// statusesWith reads rows with what keeps them back.
func statusesWith(db *gorm.DB) *gorm.DB {
	return db.Table("statuses").Select("statuses.*, status_targets.not_before").
		Joins("JOIN status_targets ON status_targets.id = statuses.target_id")
}

// Statuses of a build, oldest first.
func (o *Outbox) Statuses(ctx context.Context, build int64) ([]Status, error) {
	var rows []statusOfTarget
	err := statusesWith(o.db.Read(ctx)).Where("build_id = ?", build).Order("statuses.id").
		Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read the statuses of build %d: %w", build, err)
	}
	list := make([]Status, len(rows))
	for i, r := range rows {
		list[i] = r.Row.status(r.NotBefore)
	}
	return list, nil
}

// lateAfter is how long a status that was tried in vain may wait before somebody should know.
const lateAfter = time.Minute

// Undelivered is a status that somebody should know of: the newest that was given up in the last
// day, else the oldest that the host refuses or has not taken for a minute; nil when there is none.
func (o *Outbox) Undelivered(ctx context.Context) (*Status, error) {
	now := o.db.Now()
	for _, q := range []*gorm.DB{
		o.db.Read(ctx).Where("failed_at > ?", database.Micros(now.Add(-24*time.Hour))).Order("failed_at DESC"),
		o.db.Read(ctx).Where(isOpen+" AND last_error <> '' AND (code > 0 OR queued_at < ?)",
			database.Micros(now.Add(-lateAfter))).Order("statuses.id"),
	} {
		var rows []statusOfTarget
		if err := statusesWith(q).Limit(1).Scan(&rows).Error; err != nil {
			return nil, fmt.Errorf("look for statuses that were not delivered: %w", err)
		}
		if len(rows) > 0 {
			st := rows[0].Row.status(rows[0].NotBefore)
			return &st, nil
		}
	}
	return nil, nil
}

// RepoStatus is what became of the statuses of one repository.
type RepoStatus struct {
	State   string // of the last one that was accepted
	SentAt  time.Time
	Refusal string // GitHub's words, when a later one was refused; it may be tried again
	Code    int    // of the refusal
}

// Last gives what GitHub last accepted, and refused, of each repository by its name in lower case.
func (o *Outbox) Last(ctx context.Context) (map[string]RepoStatus, error) {
	last := map[string]RepoStatus{}
	accepted, err := o.newestBy(ctx, "sent_at", "sent_at > 0")
	if err != nil {
		return nil, err
	}
	for _, r := range accepted {
		last[r.RepoKey] = RepoStatus{State: r.Row.State, SentAt: database.FromMicros(r.Row.SentAt)}
	}
	refused, err := o.newestBy(ctx, "tried_at", "sent_at = 0 AND NOT superseded AND (failed_at > 0 OR code > 0)")
	if err != nil {
		return nil, err
	}
	for _, r := range refused {
		if l := last[r.RepoKey]; database.FromMicros(r.Row.TriedAt).After(l.SentAt) {
			l.Refusal, l.Code = r.Row.LastError, r.Row.Code
			last[r.RepoKey] = l
		}
	}
	return last, nil
}

// repoStatusRow is a status with the repository that it is of.
type repoStatusRow struct {
	RepoKey string
	Row     statusRow `gorm:"embedded"`
}

// newestBy gives of each repository the status with the latest of one of its times, of those that
// fulfil a condition.
func (o *Outbox) newestBy(ctx context.Context, column, condition string) ([]repoStatusRow, error) {
	var rows []repoStatusRow
	err := o.db.Read(ctx).Raw(`SELECT * FROM (
			SELECT s.*, lower(t.repo) AS repo_key,
				ROW_NUMBER() OVER (PARTITION BY lower(t.repo) ORDER BY s.` + column + ` DESC, s.id DESC) AS place
			FROM statuses s JOIN status_targets t ON t.id = s.target_id WHERE ` + condition + `
		) newest WHERE place = 1`).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read the last statuses: %w", err)
	}
	return rows, nil
}
