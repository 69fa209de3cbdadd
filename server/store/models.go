package store

import (
	"errors"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/database"
	"vivarium/server/store/outbox"
)

// The rows as GORM sees them. The schema is made by the migrations alone.

type buildRow struct {
	ID              int64 `gorm:"primaryKey"`
	RepoID          int64
	Repo            string
	DefaultBranch   string
	Private         bool
	Ref             string
	SHA             string `gorm:"column:sha"`
	Author          string
	Message         string
	Trigger         string
	RerunOf         int64
	Attempt         int
	Losses          int   // attempts that ended without an outcome and speak against the build; losses.go says which
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
	Compacted       bool
	EntryID         int64  // the repository's own line in the registry
	Spent           int64  // microseconds that attempts ran that count: the one that ended the build, and those that the index did
	LogBytes        int64  // that its log takes, once it is compacted
	BeforeSHA       string `gorm:"column:before_sha"` // of a push: the commit that the branch was at
	PushedAt        int64  // of a push: when it was made

	WaitCause  pipeline.Cause // what a queued build waits for besides its turn; empty: nothing
	WaitWhy    string
	WaitSince  int64          // its first attempt that failed by trouble outside
	WaitTries  int            // how many did
	WaitTold   pipeline.Cause // what its last pending status says that it waits for
	TurnServed int64          // its repository's turn before the running attempt took it
}

func (buildRow) TableName() string { return "builds" }

func (r buildRow) build() pipeline.Build {
	b := pipeline.Build{
		ID:        r.ID,
		Repo:      pipeline.Repository{ID: r.RepoID, FullName: r.Repo, DefaultBranch: r.DefaultBranch, Private: r.Private},
		Ref:       r.Ref,
		SHA:       r.SHA,
		Author:    r.Author,
		Message:   r.Message,
		Trigger:   r.Trigger,
		RerunOf:   r.RerunOf,
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
		wait(&b, pipeline.Waiting{Cause: r.WaitCause, Why: r.WaitWhy, Since: database.FromMicros(r.WaitSince), Next: database.FromMicros(r.NotBefore)})
	}
	return b
}

// deliveryRow is a delivery that was taken. An organization's hook and a repository's give one event the same GUID, and whoever signs
// deliveries chooses theirs, so that a GUID counts for its repository alone.
type deliveryRow struct {
	RepoKey    string `gorm:"primaryKey"`
	GUID       string `gorm:"primaryKey;column:guid"`
	BodyHash   string
	BuildID    int64
	ReceivedAt int64
}

func (deliveryRow) TableName() string { return "deliveries" }

type stepRow struct {
	BuildID    int64             `gorm:"primaryKey;autoIncrement:false"`
	Attempt    int               `gorm:"primaryKey;autoIncrement:false"`
	Name       pipeline.StepName `gorm:"primaryKey"`
	State      pipeline.StepState
	Cause      pipeline.Cause
	Command    string
	ExitCode   *int
	Signal     string
	StartedAt  int64
	EndedAt    int64
	CPU        int64 `gorm:"column:cpu"` // nanoseconds
	PeakMemory int64
	Note       string
	Limits     string // JSON; empty of steps from before they were stored, and of skipped ones
	AfterSeq   int64  // the log's last number when the step began: its chunks come after
	LastSeq    int64  // its last chunk's number; 0 while it runs
	Findings   string // JSON; empty of steps without any, and of those from before they were stored
}

func (stepRow) TableName() string { return "steps" }

func newStepRow(build int64, attempt int, s pipeline.Step) stepRow {
	return stepRow{
		BuildID: build, Attempt: attempt, Name: s.Name, State: s.State, Cause: s.Cause,
		Command: s.Command, ExitCode: s.ExitCode, Signal: s.Signal,
		StartedAt: database.Micros(s.StartedAt), EndedAt: database.Micros(s.EndedAt),
		CPU: int64(s.CPU), PeakMemory: s.PeakMemory, Note: s.Note, Limits: encodeLimits(s.Limits), Findings: encodeFindings(s.Findings),
	}
}

func (r stepRow) step() (pipeline.Step, error) {
	limits, limitsErr := decodeLimits(r.Limits)
	found, findingsErr := decodeFindings(r.Findings)
	return pipeline.Step{
		Name: r.Name, State: r.State, Cause: r.Cause,
		Command: r.Command, ExitCode: r.ExitCode, Signal: r.Signal,
		StartedAt: database.FromMicros(r.StartedAt), EndedAt: database.FromMicros(r.EndedAt),
		CPU: time.Duration(r.CPU), PeakMemory: r.PeakMemory, Note: r.Note, Limits: limits, Findings: found,
	}, errors.Join(limitsErr, findingsErr)
}

type chunkRow struct {
	BuildID int64 `gorm:"primaryKey;autoIncrement:false"`
	Seq     int64 `gorm:"primaryKey;autoIncrement:false"`
	Attempt int
	Step    pipeline.StepName
	Stream  pipeline.Stream
	Time    int64 `gorm:"column:at"`
	Data    []byte
	Omitted int64
}

func (chunkRow) TableName() string { return "log_chunks" }

func newChunkRow(build int64, c Chunk) chunkRow {
	return chunkRow{
		BuildID: build, Seq: c.Seq, Attempt: c.Attempt, Step: c.Step, Stream: c.Stream,
		Time: database.Micros(c.Time), Data: c.Data, Omitted: c.Omitted,
	}
}

func (r chunkRow) chunk() Chunk {
	return Chunk{
		Seq: r.Seq, Attempt: r.Attempt, Step: r.Step, Stream: r.Stream,
		Time: database.FromMicros(r.Time), Data: r.Data, Omitted: r.Omitted,
	}
}

// blockRow is a run of chunks of a finished build, compressed.
type blockRow struct {
	BuildID  int64 `gorm:"primaryKey;autoIncrement:false"`
	FirstSeq int64 `gorm:"primaryKey;autoIncrement:false"`
	LastSeq  int64
	Data     []byte
}

func (blockRow) TableName() string { return "log_blocks" }

// targetRow is what statuses are posted to, and who is posting. A server posts under one
// context, so repository and commit are the whole key.
type targetRow struct {
	ID           int64 `gorm:"primaryKey"`
	Repo         string
	SHA          string `gorm:"column:sha"`
	Version      int64  // grows with every status that is added, which locks the row
	Claim        string // the job that posts now; empty for none
	ClaimedUntil int64
	NotBefore    int64 // after a failure nothing is posted until then
	LateUntil    int64 // until then a post whose outcome is unknown may take effect; 0: there is none
	LateID       int64 // the status that it was of

	wait time.Duration // until there is something to send, as far as is known
}

func (targetRow) TableName() string { return "status_targets" }

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
