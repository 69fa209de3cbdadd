package buildlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// commitAll commits what is gathered, until Close.
func (r *Recorder) commitAll(ctx context.Context) {
	defer close(r.over)
	var last time.Time
	for {
		<-r.work
		r.pace(last)
		got := r.take()
		if change := got.change; !got.isEmpty() || got.closing && r.tests.Waits() {
			err := r.commit(ctx, got)
			last = r.l.db.Now()
			locked(&r.mu, func() {
				// Who was canceled did not wait, and may have told of the step's end meanwhile.
				if r.change == change {
					r.change = nil
				}
				r.err = err
			})
			signal(r.drained)
			if err != nil {
				r.attempt.Cancel(err)
				r.drain()
				return
			}
		}
		if got.closing {
			return
		}
	}
}

// pace waits until output that flows has been gathered for a while, fills a chunk, or somebody
// waits for its commit.
func (r *Recorder) pace(last time.Time) {
	timer := time.NewTimer(flushEvery - r.l.db.Now().Sub(last))
	defer timer.Stop()
	for {
		var urgent bool
		locked(&r.mu, func() { urgent = r.cutter.size >= chunkSize || r.change != nil || r.closing })
		if urgent {
			return
		}
		select {
		case <-timer.C:
			return
		case <-r.work:
		}
	}
}

// gathered is what one commit takes.
type gathered struct {
	chunks  []Chunk
	tests   []results.Test
	change  *pipeline.Step // a step that begins or ends, after those chunks
	closing bool
}

func (g gathered) isEmpty() bool {
	return len(g.chunks) == 0 && len(g.tests) == 0 && g.change == nil
}

func (r *Recorder) take() gathered {
	r.mu.Lock()
	defer r.mu.Unlock()
	tests := r.cutter.tests
	return gathered{r.cutter.take(), tests, r.change, r.closing}
}

// drain waits for Close after a commit has failed. What comes until then is dropped, since the
// attempt is being abandoned.
func (r *Recorder) drain() {
	for {
		<-r.work
		if r.take().closing {
			return
		}
	}
}

// commit writes chunks, results and a step's row in one transaction, which is fenced by the attempt's
// number and numbers the chunks. Then it wakes those who watch.
func (r *Recorder) commit(ctx context.Context, got gathered) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	build, number := r.attempt.Build, r.attempt.Number
	err := r.l.db.Transact(ctx, func(tx *database.Tx) error {
		end, err := place(tx, build, number, got.chunks)
		if err != nil {
			return err
		}
		rows := make([]chunkRow, len(got.chunks))
		for i, c := range got.chunks {
			rows[i] = newChunkRow(build, c)
		}
		if len(rows) > 0 {
			if err := tx.CreateInBatches(rows, 100).Error; err != nil {
				return err
			}
		}
		if err := r.putTests(tx, got, end.lines); err != nil || got.change == nil {
			return err
		}
		if err := builds.PutStep(tx, builds.NewStepRow(build, number, *got.change), end.seq); err != nil {
			return err
		}
		return r.l.tellStep(tx, build, *got.change)
	})
	if err != nil {
		if errors.Is(err, builds.ErrLost) {
			return err
		}
		return fmt.Errorf("store the log of build %d: %w", build, err)
	}
	r.l.Wake(build)
	return nil
}

// tellStep tells of a step that begins, in the transaction that keeps it.
func (l *Logs) tellStep(tx *database.Tx, build int64, st pipeline.Step) error {
	if l.OnStep == nil || st.State != pipeline.StepRunning {
		return nil
	}
	return l.OnStep(tx, build, st.Name)
}

// end is an end of a log: the number of its last chunk, and how many lines end there or before.
type end struct{ seq, lines int64 }

// place puts chunks of the attempt that runs at the end of the build's log, which it returns: it
// sets their numbers and lines.
func place(tx *database.Tx, build int64, attempt int, chunks []Chunk) (end, error) {
	lines := int64(0)
	for _, c := range chunks {
		lines += c.Lines()
	}
	var b builds.Row
	r := builds.Fenced(tx, build, attempt).Model(&b).
		Clauses(clause.Returning{Columns: []clause.Column{{Name: "log_seq"}, {Name: "log_lines"}}}).
		Updates(map[string]any{
			"log_seq":   gorm.Expr("log_seq + ?", len(chunks)),
			"log_lines": gorm.Expr("log_lines + ?", lines),
		})
	if err := database.One(r, builds.ErrLost); err != nil {
		return end{}, err
	}
	for i := range chunks {
		chunks[i].Seq = b.LogSeq - int64(len(chunks)) + int64(i) + 1
	}
	countLines(chunks, b.LogLines-lines)
	return end{b.LogSeq, b.LogLines}, nil
}
