package buildlog

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

	"vivarium/server/store/database"
)

// gapLines is how many lines end in a gap, in whatever words it is told.
const gapLines = 2

// Lines is how many lines end in the chunk.
func (c Chunk) Lines() int64 {
	if c.Omitted > 0 {
		return gapLines
	}
	return int64(bytes.Count(c.Data, []byte{'\n'}))
}

// countLines sets the lines of chunks, before the first of which so many end.
func countLines(chunks []Chunk, before int64) {
	for i := range chunks {
		chunks[i].Line = max(before, -1)
		if before >= 0 {
			before += chunks[i].Lines()
		}
	}
}

// BeforeLine gives the number of a chunk after which the line stands, counted from 1, in a log whose
// lines are counted. It is among the nearest, and 0 for the first lines. It is database.ErrNotFound
// where the log has no such line, or the lines before it are not counted.
func (l *Logs) BeforeLine(ctx context.Context, build, line int64) (after int64, err error) {
	var place struct{ Seq, Lines int64 }
	err = l.db.Read(ctx).Raw(`SELECT
		(SELECT coalesce(max(seq), 0) FROM (
			SELECT max(seq) AS seq FROM log_chunks WHERE build_id = @build AND line >= 0 AND line < @line - 1
			UNION ALL
			SELECT max(first_seq) FROM log_blocks WHERE build_id = @build AND line >= 0 AND line < @line - 1
		) AS pieces) AS seq,
		(SELECT coalesce(max(log_lines), -1) FROM builds WHERE id = @build) AS lines`,
		sql.Named("build", build), sql.Named("line", line)).Scan(&place).Error
	if err != nil {
		return 0, fmt.Errorf("find line %d of the log of build %d: %w", line, build, err)
	}
	if line < 1 || line > place.Lines+1 {
		return 0, database.ErrNotFound
	}
	return max(place.Seq-1, 0), nil
}
