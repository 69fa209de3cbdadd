package store

import (
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/database"
	"vivarium/server/store/outbox"
)

// The rows as GORM sees them. The schema is made by the migrations alone.

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
