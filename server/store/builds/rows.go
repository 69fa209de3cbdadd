package builds

import (
	"strings"

	"gorm.io/gorm"

	"vivarium/pipeline"
	"vivarium/server/store/database"
)

// Row is a build as GORM sees it. The schema is made by the migrations alone.
type Row struct {
	ID              int64 `gorm:"primaryKey"`
	RepoID          int64
	Repo            string
	DefaultBranch   string
	Private         bool
	Ref             pipeline.Ref
	SHA             string `gorm:"column:sha"`
	Author          string
	Message         string
	Trigger         pipeline.Trigger
	RerunOf         int64
	Attempt         int
	Losses          int   // attempts that ended without an outcome and speak against the build; the queue says which
	SharedLosses    int   // servers that died while this build and others ran there
	LostSince       int64 // the first of Losses
	State           pipeline.State
	Cause           pipeline.Cause
	Summary         string
	Image           string
	QueuedAt        int64
	StartedAt       int64
	EndedAt         int64
	NotBefore       int64  // a build that was queued again after a failure waits until then
	JobID           int64  // River's job that works on the running attempt
	Owner           string // the server that it runs on
	LeaseUntil      int64  // PostgreSQL: after it the owner is dead
	CancelRequested bool
	LogSeq          int64 // the last chunk's number
	LogLines        int64 // line ends in the log so far; far below 0 where nobody counted its beginning
	Compacted       bool
	EntryID         int64 // the repository's own line in the registry
	// microseconds that attempts ran that count: the one that ended the build, and those that the
	// index did
	Spent     int64
	LogBytes  int64  // that its log takes, with the results of its tests, once it is compacted
	BeforeSHA string `gorm:"column:before_sha"` // of a push: the commit that the branch was at
	PushedAt  int64  // of a push: when it was made
	// The build of a newer push of the branch for whose sake this one ends or was asked to end; 0 for
	// none.
	SupersededBy int64

	WaitCause  pipeline.Cause // what a queued build waits for besides its turn; empty: nothing
	WaitWhy    string
	WaitSince  int64          // its first attempt that failed by trouble outside
	WaitTries  int            // how many did
	WaitTold   pipeline.Cause // what its last pending status says that it waits for
	TurnServed int64          // its repository's turn before the running attempt took it

	Pull int64 // the pull request that has the commit as its head; 0 for none
	Fork bool  // that pull request is a fork's
	// Approved says that a fork's build may run: somebody approved this commit, or the operator asks for
	// no approval of it.
	Approved bool
}

func (Row) TableName() string { return "builds" }

// Build is the build without its steps.
func (r Row) Build() pipeline.Build {
	b := pipeline.Build{
		ID:        r.ID,
		Repo:      pipeline.Repository{ID: r.RepoID, FullName: r.Repo, DefaultBranch: r.DefaultBranch, Private: r.Private},
		Ref:       r.Ref,
		SHA:       r.SHA,
		Before:    r.BeforeSHA,
		Author:    r.Author,
		Message:   r.Message,
		Trigger:   r.Trigger,
		RerunOf:   r.RerunOf,
		Pull:      r.Pull,
		Fork:      r.Fork,
		Attempt:   r.Attempt,
		State:     r.State,
		Cause:     r.Cause,
		Summary:   r.Summary,
		Image:     r.Image,
		QueuedAt:  database.FromMicros(r.QueuedAt),
		StartedAt: database.FromMicros(r.StartedAt),
		EndedAt:   database.FromMicros(r.EndedAt),
	}
	if r.State == pipeline.Queued && r.WaitCause != "" {
		wait(
			&b,
			pipeline.Waiting{
				Cause: r.WaitCause, Why: r.WaitWhy, Since: database.FromMicros(r.WaitSince),
				Next: database.FromMicros(r.NotBefore),
			},
		)
	}
	return b
}

// MayRun reports whether nobody's approval is missing.
func (r Row) MayRun() bool { return !r.Fork || r.Approved }

// Again is a new build of the same commit. What was approved stays so, since the commit is the same.
// That of a push that was skipped takes its place among its branch's pushes.
func (r Row) Again() Row {
	again := Row{
		EntryID:       r.EntryID,
		RepoID:        r.RepoID,
		Repo:          r.Repo,
		DefaultBranch: r.DefaultBranch,
		Private:       r.Private,
		Ref:           r.Ref,
		SHA:           r.SHA,
		Author:        r.Author,
		Message:       r.Message,
		Trigger:       pipeline.TriggerRerun,
		RerunOf:       r.ID,
		Pull:          r.Pull,
		Fork:          r.Fork,
		Approved:      r.Approved,
	}
	if r.State == pipeline.Skipped {
		again.Trigger, again.BeforeSHA, again.PushedAt = r.Trigger, r.BeforeSHA, r.PushedAt
	}
	return again
}

// OfCommit selects a repository's own builds of a commit. A fork's are none of them.
func OfCommit(tx *database.Tx, repo, sha string) *gorm.DB {
	return tx.Model(&Row{}).Where("sha = ? AND lower(repo) = ? AND NOT fork", sha, strings.ToLower(repo))
}

// Hide makes a repository's builds private with it, those under a name that it had before too: a renaming keeps its
// line in the registry. Nothing makes one public: what was built in private was not meant for everybody.
func Hide(tx *database.Tx, repoKey string, entry int64) error {
	return tx.Model(&Row{}).Where("lower(repo) = ? AND NOT private", repoKey).Or("entry_id = ? AND NOT private", entry).
		Update("private", true).Error
}
