package store

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/riverqueue/river"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/outbox"
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
		BuildID: r.BuildID, State: r.State, Description: r.Description, Context: r.Context,
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
func (s *Store) Statuses(ctx context.Context, build int64) ([]Status, error) {
	var rows []statusOfTarget
	if err := statusesWith(s.db.Read(ctx)).Where("build_id = ?", build).Order("statuses.id").Scan(&rows).Error; err != nil {
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

// Undelivered is a status that somebody should know of: the newest that was given up in the last day, else the oldest that the host
// refuses or has not taken for a minute; nil when there is none.
func (s *Store) Undelivered(ctx context.Context) (*Status, error) {
	now := s.db.Now()
	for _, q := range []*gorm.DB{
		s.db.Read(ctx).Where("failed_at > ?", database.Micros(now.Add(-24*time.Hour))).Order("failed_at DESC"),
		s.db.Read(ctx).Where(openStatus+" AND last_error <> '' AND (code > 0 OR queued_at < ?)", database.Micros(now.Add(-lateAfter))).Order("statuses.id"),
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

// addStatus puts the build's state as it is now into the outbox. The job that it returns is to be inserted
// in the same transaction.
func addStatus(tx *database.Tx, b builds.Row) (river.InsertManyParams, error) {
	t := targetRow{Repo: b.Repo, SHA: b.SHA, Version: 1}
	err := tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "repo"}, {Name: "sha"}},
		DoUpdates: clause.Assignments(map[string]any{"version": gorm.Expr("status_targets.version + 1")}),
	}, clause.Returning{Columns: []clause.Column{{Name: "id"}}}).Create(&t).Error
	if err != nil {
		return river.InsertManyParams{}, err
	}
	r := statusRow{
		TargetID: t.ID, BuildID: b.ID, State: pipeline.StatusState(b.State),
		Description: description(b), QueuedAt: database.Micros(tx.Now()),
	}
	return statusJob(t.ID, b.State.Ended()), tx.Create(&r).Error
}

// maxDescription is GitHub's limit: a longer one is refused with 422.
const maxDescription = 140

// causeWords say what a cause is, where the summary does not begin with them already.
var causeWords = map[pipeline.Cause]string{
	pipeline.CausePlan:        "plan",
	pipeline.CauseInstall:     "install",
	pipeline.CauseLint:        "lint",
	pipeline.CauseTests:       "tests",
	pipeline.CauseNoTests:     "no tests",
	pipeline.CauseTimeout:     "timed out",
	pipeline.CauseOutOfMemory: "out of memory",
	pipeline.CauseDiskFull:    "disk full",
	pipeline.CausePidsLimit:   "too many processes",
	pipeline.CauseLogLimit:    "too much output",
	pipeline.CauseClone:       "clone",
	pipeline.CauseIndex:       "index",
	pipeline.CauseImage:       "image",
	pipeline.CauseEngine:      "engine",
	pipeline.CauseInternal:    "internal error",
	pipeline.CauseCanceled:    "canceled",
	pipeline.CauseQuota:       "over quota",
}

// description is what b's status says as it is now.
func description(b builds.Row) string {
	if w := b.Build().Waiting; w != nil {
		return cutWords(basicPlane(strings.Join(strings.Fields(w.String()), " ")), maxDescription)
	}
	return describe(b.State, b.Cause, b.Summary)
}

// describe is a status's description, which stands beside GitHub's own sign for the state: what happened, with its
// cause before it.
func describe(state pipeline.State, cause pipeline.Cause, summary string) string {
	text := strings.Join(strings.Fields(summary), " ")
	head := causeWords[cause]
	switch {
	case !state.Ended():
		head, text = "queued or running", "" // one status stands for both
	case state == pipeline.Passed:
		head = "passed"
	}
	switch {
	case text == "":
		text = head
	case !strings.HasPrefix(strings.ToLower(text), head):
		text = head + ": " + text
	}
	return cutWords(basicPlane(text), maxDescription)
}

// cutWords cuts text to at most max characters, at a word where there is one.
func cutWords(text string, max int) string {
	if utf8.RuneCountInString(text) <= max {
		return text
	}
	cut := string([]rune(text)[:max-1])
	if i := strings.LastIndexByte(cut, ' '); i > max/2 {
		cut = cut[:i]
	}
	return cut + "…"
}

// RepoStatus is what became of the statuses of one repository.
type RepoStatus struct {
	State   string // of the last one that was accepted
	SentAt  time.Time
	Refusal string // GitHub's words, when a later one was refused; it may be tried again
	Code    int    // of the refusal
}

// LastStatuses gives what GitHub last accepted, and refused, for each repository by its name in lower case.
func (s *Store) LastStatuses(ctx context.Context) (map[string]RepoStatus, error) {
	last := map[string]RepoStatus{}
	accepted, err := s.newestBy(ctx, "sent_at", "sent_at > 0")
	if err != nil {
		return nil, err
	}
	for _, r := range accepted {
		last[r.RepoKey] = RepoStatus{State: r.Row.State, SentAt: database.FromMicros(r.Row.SentAt)}
	}
	refused, err := s.newestBy(ctx, "tried_at", "sent_at = 0 AND NOT superseded AND (failed_at > 0 OR code > 0)")
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

// newestBy gives of each repository the status with the latest of one of its times, of those that fulfil a condition.
func (s *Store) newestBy(ctx context.Context, column, condition string) ([]repoStatusRow, error) {
	var rows []repoStatusRow
	err := s.db.Read(ctx).Raw(`SELECT * FROM (
			SELECT s.*, lower(t.repo) AS repo_key, ROW_NUMBER() OVER (PARTITION BY lower(t.repo) ORDER BY s.` + column + ` DESC, s.id DESC) AS place
			FROM statuses s JOIN status_targets t ON t.id = s.target_id WHERE ` + condition + `
		) newest WHERE place = 1`).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read the last statuses: %w", err)
	}
	return rows, nil
}

// statusRow is a status as GORM sees it.
type statusRow struct {
	ID          int64 `gorm:"primaryKey"`
	TargetID    int64
	BuildID     int64
	State       string
	Description string
	Context     string // set when it was first tried
	QueuedAt    int64
	SentAt      int64
	Attempts    int
	LastError   string
	FailedAt    int64 // given up then
	Superseded  bool  // a newer state was known before this one was sent

	Code         int   // of the host's refusal, as its last answer stands; 0: it was none
	TriedAt      int64 // when it was last tried, or held back
	FailingSince int64 // when the host began to fail, or to refuse it for another reason than the token's; 0: it does not
	Plain        bool  // its description is in plain words, since the host did not take the first one
}

func (statusRow) TableName() string { return "statuses" }

// ends reports whether r is the end of a build, and not its beginning.
func (r statusRow) ends() bool { return r.State != "pending" }

// judged is what the judgement of an attempt needs to know of r.
func (r statusRow) judged(now time.Time) outbox.Status {
	s := outbox.Status{Plain: r.Plain, Ends: r.ends()}
	if r.FailingSince > 0 {
		s.Failing = now.Sub(database.FromMicros(r.FailingSince))
	}
	return s
}

// open reports whether r is still to be sent.
func (r statusRow) open() bool { return r.SentAt == 0 && r.FailedAt == 0 && !r.Superseded }
