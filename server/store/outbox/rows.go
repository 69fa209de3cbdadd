package outbox

import (
	"time"

	"vivarium/server/store/database"
)

// statusRow is a status as GORM sees it.
type statusRow struct {
	ID         int64 `gorm:"primaryKey"`
	TargetID   int64
	BuildID    int64
	State      string
	Kind       kind
	Payload    string // what is told beside the state, as the kind writes it
	Context    string // as it was first tried
	QueuedAt   int64
	SentAt     int64
	Attempts   int
	LastError  string
	FailedAt   int64 // given up then
	Superseded bool  // a newer state was known before this one was sent

	Code         int   // of the host's refusal, as its last answer stands; 0: it was none
	TriedAt      int64 // when it was last tried, or held back
	FailingSince int64 // when the host began to fail, or to refuse it not for the token's sake; 0: it does not
	Plain        bool  // its description is in plain words, since the host did not take the first one
}

func (statusRow) TableName() string { return "statuses" }

// ends reports whether r is the end of a build, and not its beginning.
func (r statusRow) ends() bool { return r.State != "pending" }

// tried is what Judge needs to know of r.
func (r statusRow) tried(now time.Time) Tried {
	s := Tried{Plain: r.Plain, Ends: r.ends()}
	if r.FailingSince > 0 {
		s.Failing = now.Sub(database.FromMicros(r.FailingSince))
	}
	return s
}

// open reports whether r is still to be sent.
func (r statusRow) open() bool { return r.SentAt == 0 && r.FailedAt == 0 && !r.Superseded }

// targetRow is what statuses are posted to, and who is posting. Repository, commit and context are
// the key.
type targetRow struct {
	ID           int64 `gorm:"primaryKey"`
	Repo         string
	SHA          string `gorm:"column:sha"`
	Context      string // of those under which a server posts, as contexts gives it
	Version      int64  // grows with every status that is added, which locks the row
	Claim        string // the job that posts now; empty for none
	ClaimedUntil int64
	NotBefore    int64 // after a failure nothing is posted until then
	LateUntil    int64 // until then a post whose outcome is unknown may take effect; 0: there is none
	LateID       int64 // the status that it was of
	CheckID      int64 // the host's number of the check run; 0: not made yet, or it is of statuses

	wait time.Duration // until there is something to send, as far as is known
}

func (targetRow) TableName() string { return "status_targets" }
