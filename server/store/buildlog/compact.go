package buildlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// blockSize is how many bytes of a log one block holds before compression: enough to compress well,
// and few enough to be unpacked for the sake of one chunk (measured: 1 MiB in about 1 ms).
const blockSize = 1 << 20

// errRaced rolls a block back: another server has compressed some of its chunks.
var errRaced = errors.New("compacted by another server")

// compactEvery is for the logs of builds that other processes ended, and for those that could not
// be compressed before.
const compactEvery = time.Minute

// Compact compresses the logs of builds that have ended, one after the other, until ctx ends.
func (l *Logs) Compact(ctx context.Context) {
	tick := time.NewTicker(compactEvery)
	defer tick.Stop()
	for {
		l.compactAll(ctx)
		select {
		case <-ctx.Done():
			return
		case <-l.ended:
		case <-tick.C:
		}
	}
}

// compactAll leaves a log that cannot be compressed to the next round: those after it do not wait
// for it.
func (l *Logs) compactAll(ctx context.Context) {
	for build := int64(0); ctx.Err() == nil; {
		next, err := l.compactNext(ctx, build)
		if err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "cannot compact a log", "err", err)
		}
		if next == 0 {
			return
		}
		build = next
	}
}

// waiting are the states of builds whose logs may grow yet.
var waiting = []pipeline.State{pipeline.Unapproved, pipeline.Queued, pipeline.Running}

// compactNext compresses the log of the first build after another that waits for it, and returns
// that build, or 0 where there is none.
func (l *Logs) compactNext(ctx context.Context, after int64) (int64, error) {
	var ids []int64
	err := l.db.Read(ctx).Model(&builds.Row{}).
		Where("id > ? AND NOT compacted AND state NOT IN ?", after, waiting).
		Order("id").Limit(1).Pluck("id", &ids).Error
	if err != nil {
		return 0, fmt.Errorf("look for logs to compact: %w", err)
	}
	if len(ids) == 0 {
		return 0, nil
	}
	return ids[0], l.compact(ctx, ids[0])
}

// compact compresses the log of one build that has ended. Each block replaces its chunks in a
// transaction of its own, so that none keeps webhooks waiting for long. A reader finds every chunk
// in one place at any moment. After an interruption it goes on with the next block.
func (l *Logs) compact(ctx context.Context, build int64) error {
	for {
		chunks, err := l.looseChunks(ctx, build)
		if err != nil {
			return fmt.Errorf("compact the log of build %d: %w", build, err)
		}
		if len(chunks) == 0 {
			break
		}
		if err := l.replace(ctx, build, chunks); err != nil && !errors.Is(err, errRaced) {
			return fmt.Errorf("compact the log of build %d: %w", build, err)
		}
	}
	err := l.db.Transact(ctx, func(tx *database.Tx) error {
		bytes, err := Stored(tx, build)
		if err != nil {
			return err
		}
		return tx.Model(&builds.Row{}).Where("id = ?", build).
			Updates(map[string]any{"compacted": true, "log_bytes": bytes}).Error
	})
	if err != nil {
		return fmt.Errorf("compact the log of build %d: %w", build, err)
	}
	return nil
}

// looseChunks are the first chunks that are in no block yet, as many as one block takes.
func (l *Logs) looseChunks(ctx context.Context, build int64) (chunks []Chunk, err error) {
	rows, err := l.db.Read(ctx).Model(&chunkRow{}).Where("build_id = ?", build).Order("seq").Rows()
	if err != nil {
		return nil, err
	}
	defer func() {
		if closing := rows.Close(); err == nil {
			err = closing
		}
	}()
	size := 0
	for size < blockSize && len(chunks) < maxChunks && rows.Next() {
		var r chunkRow
		if err := l.db.Read(ctx).ScanRows(rows, &r); err != nil {
			return nil, err
		}
		chunks = append(chunks, r.chunk())
		size += len(r.Data)
	}
	return chunks, rows.Err()
}

func (l *Logs) replace(ctx context.Context, build int64, chunks []Chunk) error {
	block, err := pack(chunks)
	if err != nil {
		return err
	}
	first, last := chunks[0].Seq, chunks[len(chunks)-1].Seq
	return l.db.Transact(ctx, func(tx *database.Tx) error {
		gone := tx.Where("build_id = ? AND seq BETWEEN ? AND ?", build, first, last).Delete(&chunkRow{})
		if gone.Error != nil {
			return gone.Error
		}
		if gone.RowsAffected != int64(len(chunks)) {
			return errRaced
		}
		return tx.Create(&blockRow{BuildID: build, FirstSeq: first, LastSeq: last, Data: block, Line: chunks[0].Line}).Error
	})
}
