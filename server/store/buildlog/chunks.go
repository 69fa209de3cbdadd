package buildlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// Chunk is one committed piece of a build's log.
type Chunk struct {
	Seq     int64 // 1, 2, 3 ... within the build, without holes
	Attempt int
	Step    pipeline.StepName
	Stream  pipeline.Stream
	Time    time.Time
	Data    []byte
	Omitted int64 // bytes left out here: this chunk is the gap and has no Data
	// Line is how many lines end in the chunks before; below 0 where that is not known. The first
	// line that begins in a log is number 1.
	Line int64
}

// Text is the chunk as a reader of the plain log sees it: its data, or a line that tells of the
// gap.
func (c Chunk) Text() []byte {
	if c.Omitted == 0 {
		return c.Data
	}
	return fmt.Appendf(nil, "\n[vivarium: %d bytes of output are left out here: the log's limit was reached]\n", c.Omitted)
}

// maxChunks bounds one answer of Chunks where the chunks are tiny.
const maxChunks = 10_000

// Chunks gives the committed chunks after a sequence number, in order: at most maxBytes of data,
// but always the first chunk.
func (l *Logs) Chunks(ctx context.Context, build, after int64, maxBytes int) ([]Chunk, error) {
	var chunks []Chunk
	size := 0
	err := l.eachChunk(ctx, build, after, func(c Chunk) bool {
		if len(chunks) > 0 && size+len(c.Data) > maxBytes {
			return false
		}
		chunks = append(chunks, c)
		size += len(c.Data)
		return len(chunks) < maxChunks
	})
	if err != nil {
		return nil, fmt.Errorf("read the log of build %d: %w", build, err)
	}
	return chunks, nil
}

// StepLog is the log of one step in the newest attempt, its first max bytes, and whether there is
// more.
func (l *Logs) StepLog(ctx context.Context, build int64, step pipeline.StepName, max int) (string, bool, error) {
	var rows []builds.StepRow
	err := l.db.Read(ctx).Joins("JOIN builds ON builds.id = steps.build_id AND builds.attempt = steps.attempt").
		Where("steps.build_id = ? AND steps.name = ?", build, step).Limit(1).Find(&rows).Error
	if err != nil {
		return "", false, fmt.Errorf("read step %s of build %d: %w", step, build, err)
	}
	if len(rows) == 0 || rows[0].LastSeq > 0 && rows[0].LastSeq == rows[0].AfterSeq {
		return "", false, nil
	}
	r := rows[0]
	var text []byte
	err = l.eachChunk(ctx, build, r.AfterSeq, func(c Chunk) bool {
		if c.Attempt == r.Attempt && c.Step == step {
			text = append(text, c.Text()...)
		}
		return len(text) <= max && (r.LastSeq == 0 || c.Seq < r.LastSeq)
	})
	if err != nil {
		return "", false, fmt.Errorf("read the log of step %s of build %d: %w", step, build, err)
	}
	if len(text) <= max {
		return string(text), false, nil
	}
	return string(cutRunes(text, max)), true, nil
}

// cutRunes is the first max bytes of text, less the beginning of a character that the cut would
// split.
func cutRunes(text []byte, max int) []byte {
	for i := max; i > 0 && i > max-utf8.UTFMax; i-- {
		if utf8.RuneStart(text[i]) {
			return text[:i]
		}
	}
	return text[:max]
}

// pieces reads loose chunks and compressed blocks in one statement, and so one committed state:
// compaction, which moves chunks from the one to the other, neither hides nor doubles any. Each
// half has a limit of its own, so that both databases read by the index and no further. PostgreSQL
// would sort and send the rest of the log otherwise.
const pieces = `
	SELECT * FROM (SELECT seq, 0 AS last_seq, attempt, step, stream, at, data, omitted, line
		FROM log_chunks WHERE build_id = @build AND seq > @after ORDER BY seq LIMIT @limit) AS loose
	UNION ALL
	SELECT * FROM (SELECT first_seq, last_seq, 0, '', '', 0, data, 0, line
		FROM log_blocks WHERE build_id = @build AND last_seq > @after ORDER BY first_seq LIMIT @limit) AS packed
	ORDER BY 1 LIMIT @limit`

// How many pieces are read at a time: two at first, since one block may fill an answer, and then
// twice as many each time.
const (
	firstPieces = 2
	mostPieces  = 256
)

// eachChunk calls f with the chunks after a number, in order, until f returns false.
func (l *Logs) eachChunk(ctx context.Context, build, after int64, f func(Chunk) bool) error {
	for limit := firstPieces; ; limit = min(2*limit, mostPieces) {
		more := false
		read, err := l.eachPiece(ctx, build, after, limit, func(c Chunk) bool {
			after, more = c.Seq, f(c)
			return more
		})
		if err != nil || !more || read < limit {
			return err
		}
	}
}

// eachPiece calls f with the chunks of the next pieces, and returns how many these were.
func (l *Logs) eachPiece(ctx context.Context, build, after int64, limit int, f func(Chunk) bool) (read int, err error) {
	rows, err := l.db.Read(ctx).Raw(pieces, map[string]any{"build": build, "after": after, "limit": limit}).Rows()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for ; rows.Next(); read++ {
		chunks, err := scanPiece(rows)
		if err != nil {
			return read, err
		}
		for _, c := range chunks {
			if c.Seq > after && !f(c) {
				return read, nil
			}
		}
	}
	return read, rows.Err()
}

// scanPiece reads the chunks of the piece that rows stand at.
func scanPiece(rows *sql.Rows) ([]Chunk, error) {
	var r chunkRow
	var last int64
	err := rows.Scan(&r.Seq, &last, &r.Attempt, &r.Step, &r.Stream, &r.Time, &r.Data, &r.Omitted, &r.Line)
	if err != nil || last == 0 {
		return []Chunk{r.chunk()}, err
	}
	chunks, err := unpack(r.Seq, r.Data)
	countLines(chunks, r.Line)
	return chunks, err
}

// chunkRow is a Chunk as GORM sees it.
type chunkRow struct {
	BuildID int64 `gorm:"primaryKey;autoIncrement:false"`
	Seq     int64 `gorm:"primaryKey;autoIncrement:false"`
	Attempt int
	Step    pipeline.StepName
	Stream  pipeline.Stream
	Time    int64 `gorm:"column:at"`
	Data    []byte
	Omitted int64
	Line    int64
}

func (chunkRow) TableName() string { return "log_chunks" }

func newChunkRow(build int64, c Chunk) chunkRow {
	return chunkRow{
		BuildID: build, Seq: c.Seq, Attempt: c.Attempt, Step: c.Step, Stream: c.Stream,
		Time: database.Micros(c.Time), Data: c.Data, Omitted: c.Omitted, Line: c.Line,
	}
}

func (r chunkRow) chunk() Chunk {
	return Chunk{
		Seq: r.Seq, Attempt: r.Attempt, Step: r.Step, Stream: r.Stream,
		Time: database.FromMicros(r.Time), Data: r.Data, Omitted: r.Omitted, Line: r.Line,
	}
}
