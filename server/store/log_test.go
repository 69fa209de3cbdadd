package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
	"vivarium/server/store/queue"
)

// recording begins an attempt at a new build and gives its recorder.
func recording(t testing.TB, s *Store, limit int64, secrets ...string) (context.Context, builds.Row, *recorder) {
	t.Helper()
	a, err := s.Queue.AcceptPush(t.Context(), push(rand.IntN(1<<30)))
	must(t, err)
	b := begin(t, s, a.BuildID)
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return ctx, b, newRecorder(ctx, s, queue.Attempt{Build: b.ID, Number: b.Attempt, Cancel: cancel}, limit, secrets)
}

// begin begins an attempt at a build that waits, as a server that died since.
func begin(t testing.TB, s *Store, build int64) (b builds.Row) {
	t.Helper()
	must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error {
		err := tx.Exec(`UPDATE builds SET state = ?, attempt = attempt + 1, owner = 'dead', started_at = ?,
			lease_until = 1 WHERE id = ?`, pipeline.Running, database.Micros(s.db.Now()), build).Error
		return errors.Join(err, tx.Take(&b, build).Error)
	}))
	return b
}

// end ends a build, but for its status.
func end(t testing.TB, s *Store, build int64) {
	t.Helper()
	must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Exec("UPDATE builds SET state = ?, owner = '', ended_at = ? WHERE id = ?",
			pipeline.Passed, database.Micros(s.db.Now()), build).Error
	}))
}

func TestLogKeepsOrderStepsAndStreams(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		noLeaks(t)
		s := open()
		ctx, b, rec := recording(t, s, 0)
		must(t, rec.StepStarted(ctx, pipeline.Step{Name: pipeline.StepClone, StartedAt: time.Now()}))
		must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stdout, []byte("one ")))
		must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stdout, []byte("two\n")))
		must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stderr, []byte("three\n")))
		must(t, rec.StepEnded(ctx, pipeline.Step{Name: pipeline.StepClone, State: pipeline.StepPassed, EndedAt: time.Now()}))
		must(t, say(ctx, rec, pipeline.StepLint, "four\xff\n"))
		must(t, rec.StepEnded(ctx, pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepSkipped}))
		must(t, rec.Close())
		if got, want := wholeLog(t, s, b.ID), "one two\nthree\nfour\xff\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		for step, want := range map[pipeline.StepName]string{pipeline.StepClone: "one two\nthree\n", pipeline.StepLint: "four\xff\n", pipeline.StepTest: "", pipeline.StepInstall: ""} {
			if got, cut, err := s.StepLog(ctx, b.ID, step, 100); got != want || cut || err != nil {
				t.Errorf("%s: got %q, %v, %v; want %q", step, got, cut, err, want)
			}
		}
		if got, cut, err := s.StepLog(ctx, b.ID, pipeline.StepClone, 5); got != "one t" || !cut || err != nil {
			t.Errorf("cut: got %q, %v, %v", got, cut, err)
		}
		chunks, err := s.Chunks(ctx, b.ID, 0, 1)
		if err != nil || len(chunks) != 1 {
			t.Errorf("at least one chunk: got %d, %v", len(chunks), err)
		}
	})
}

func TestFirstOutputIsCommittedAtOnce(t *testing.T) {
	s := sqliteStore(t)
	ctx, b, rec := recording(t, s, 0)
	defer rec.Close()
	wake, stop := s.Watch(b.ID)
	defer stop()
	start := time.Now()
	must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stdout, []byte("hello\n")))
	<-wake
	t.Logf("committed and told after %s", time.Since(start))
	if got := wholeLog(t, s, b.ID); got != "hello\n" {
		t.Errorf("got %q", got)
	}
}

func TestSecretsAreMaskedAcrossPieces(t *testing.T) {
	s := sqliteStore(t)
	ctx, b, rec := recording(t, s, 0, "canary-token")
	must(t, rec.StepStarted(ctx, pipeline.Step{Name: pipeline.StepTest}))
	for _, p := range []string{"a cana", "ry-tok", "en b can"} {
		must(t, rec.Output(ctx, pipeline.StepTest, pipeline.Stdout, []byte(p)))
	}
	must(t, rec.Output(ctx, pipeline.StepTest, pipeline.Stderr, []byte("err canary-token\n")))
	must(t, rec.StepEnded(ctx, pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepPassed}))
	must(t, rec.Close())
	log := wholeLog(t, s, b.ID)
	if strings.Contains(log, "canary") || !strings.Contains(log, "a *** b ") || !strings.Contains(log, "err ***\n") || !strings.Contains(log, "can") {
		t.Errorf("got %q", log)
	}
}

func TestLogPastItsLimitKeepsHeadAndTail(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		const limit = 200_000
		ctx, b, rec := recording(t, s, limit)
		must(t, rec.StepStarted(ctx, pipeline.Step{Name: pipeline.StepTest}))
		var all bytes.Buffer
		for i := range 200_000 {
			line := fmt.Appendf(nil, "line %d\n", i)
			all.Write(line)
			must(t, rec.Output(ctx, pipeline.StepTest, pipeline.Stdout, line))
		}
		omitted := int64(all.Len()) - limit - maxTail
		if got := s.Omitting(b.ID); got != omitted {
			t.Errorf("omitting %d bytes, want %d", got, omitted)
		}
		must(t, rec.StepEnded(ctx, pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepPassed}))
		must(t, rec.Close())
		var stored bytes.Buffer
		gaps := 0
		for after := int64(0); ; {
			chunks, err := s.Chunks(ctx, b.ID, after, 1<<20)
			must(t, err)
			if len(chunks) == 0 {
				break
			}
			for _, c := range chunks {
				if after = c.Seq; c.Omitted > 0 {
					gaps++
					if c.Omitted != omitted || stored.Len() != limit || len(c.Data) > 0 {
						t.Errorf("a gap of %d bytes after %d, want %d after %d", c.Omitted, stored.Len(), omitted, limit)
					}
				}
				stored.Write(c.Data)
			}
		}
		want := slices.Concat(all.Bytes()[:limit], all.Bytes()[all.Len()-maxTail:])
		if gaps != 1 || !bytes.Equal(stored.Bytes(), want) {
			t.Errorf("%d gaps; stored %d bytes, want the first %d and the last %d", gaps, stored.Len(), limit, maxTail)
		}
	})
}

func TestLogOfTinyPiecesIsBoundedToo(t *testing.T) {
	s := sqliteStore(t)
	const limit, pieces = 100_000, 50_000
	ctx, b, rec := recording(t, s, limit)
	must(t, rec.StepStarted(ctx, pipeline.Step{Name: pipeline.StepTest}))
	for i := range pieces {
		stream := []pipeline.Stream{pipeline.Stdout, pipeline.Stderr}[i%2]
		must(t, rec.Output(ctx, pipeline.StepTest, stream, []byte{'a' + byte(i%26)}))
	}
	must(t, rec.StepEnded(ctx, pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepPassed}))
	must(t, rec.Close())
	var rows, omitted int64
	must(t, s.db.Read(ctx).Model(&chunkRow{}).Where("build_id = ?", b.ID).Count(&rows).Error)
	must(t, s.db.Read(ctx).Model(&chunkRow{}).Where("build_id = ?", b.ID).Select("sum(omitted)").Scan(&omitted).Error)
	if most := int64(limit/bytesPerChunk + minChunks + maxTailChunks + 1); rows > most || omitted != pieces-(rows-1) {
		t.Errorf("%d chunks and %d bytes left out; want at most %d chunks", rows, omitted, most)
	}
}

func TestCompactionChangesNothingThatIsRead(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		ctx, b, rec := recording(t, s, 3<<20)
		random := rand.New(rand.NewPCG(1, 2))
		for _, step := range []pipeline.StepName{pipeline.StepClone, pipeline.StepInstall, pipeline.StepTest} {
			must(t, rec.StepStarted(ctx, pipeline.Step{Name: step, StartedAt: time.Now()}))
			for range 400 {
				p := bytes.Repeat([]byte{byte(random.IntN(256)), '\n'}, random.IntN(6000))
				stream := []pipeline.Stream{pipeline.Stdout, pipeline.Stderr, pipeline.System}[random.IntN(3)]
				must(t, rec.Output(ctx, step, stream, p))
			}
			must(t, rec.StepEnded(ctx, pipeline.Step{Name: step, State: pipeline.StepPassed, EndedAt: time.Now()}))
		}
		must(t, rec.Close())
		end(t, s, b.ID)
		read := func(after int64) (all []Chunk) {
			for {
				chunks, err := s.Chunks(ctx, b.ID, after, 100_000)
				must(t, err)
				if len(chunks) == 0 {
					return all
				}
				all = append(all, chunks...)
				after = chunks[len(chunks)-1].Seq
			}
		}
		before := read(0)
		step, _, err := s.StepLog(ctx, b.ID, pipeline.StepInstall, 1<<20)
		must(t, err)
		if build, err := s.compactNext(ctx, 0); build != b.ID || err != nil {
			t.Fatalf("compact: %d, %v", build, err)
		}
		var loose, blocks int64
		must(t, s.db.Read(ctx).Model(&chunkRow{}).Count(&loose).Error)
		must(t, s.db.Read(ctx).Model(&blockRow{}).Count(&blocks).Error)
		if loose != 0 || blocks < 2 {
			t.Errorf("%d loose chunks and %d blocks, want none and several", loose, blocks)
		}
		same := func(x, y Chunk) bool {
			return x.Seq == y.Seq && x.Attempt == y.Attempt && x.Step == y.Step && x.Stream == y.Stream &&
				x.Time.Equal(y.Time) && x.Omitted == y.Omitted && bytes.Equal(x.Data, y.Data)
		}
		for _, after := range []int64{0, 1, int64(len(before) / 2), int64(len(before) - 1), int64(len(before))} {
			if !slices.EqualFunc(read(after), before[after:], same) {
				t.Errorf("after chunk %d the log reads otherwise than before", after)
			}
		}
		if got, _, err := s.StepLog(ctx, b.ID, pipeline.StepInstall, 1<<20); err != nil || got != step {
			t.Errorf("the step's log differs, %v", err)
		}
		if build, err := s.compactNext(ctx, 0); build != 0 || err != nil {
			t.Errorf("compact again: %d, %v; want nothing to do", build, err)
		}
	})
}

// TestALongLogIsReadByItsIndexPieceByPiece: PostgreSQL sorted the rest of the log for each pull, and sent it whole.
func TestALongLogIsReadByItsIndexPieceByPiece(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		id := accept(t, s, push(1))
		must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error {
			return tx.Exec(`INSERT INTO log_chunks (build_id, seq, attempt, step, stream, at, data, omitted)
				WITH RECURSIVE n (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < 20000)
				SELECT ?, seq, 1, 'test', 'stdout', 0, ?, 0 FROM n`, id, bytes.Repeat([]byte("x"), 50)).Error
		}))
		must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error { return tx.Exec("ANALYZE").Error }))
		chunks, err := s.Chunks(t.Context(), id, 10, 1<<20)
		if err != nil || len(chunks) != maxChunks || chunks[0].Seq != 11 || chunks[maxChunks-1].Seq != maxChunks+10 {
			t.Errorf("got %d chunks, %v; want %d, after the tenth", len(chunks), err, maxChunks)
		}
		explain := "EXPLAIN " + pieces
		if s.db.Exclusive() {
			explain = "EXPLAIN QUERY PLAN " + pieces
		}
		rows, err := s.db.Read(t.Context()).Raw(explain, map[string]any{"build": id, "after": 10, "limit": firstPieces}).Rows()
		must(t, err)
		defer rows.Close()
		names, err := rows.Columns()
		must(t, err)
		var plan strings.Builder
		for rows.Next() {
			fields := make([]any, len(names))
			for i := range fields {
				fields[i] = new(any)
			}
			must(t, rows.Scan(fields...))
			fmt.Fprintln(&plan, *fields[len(fields)-1].(*any))
		}
		must(t, rows.Err())
		if !strings.Contains(plan.String(), "Index Scan using log_chunks_pkey") && !strings.Contains(plan.String(), "SEARCH log_chunks USING INDEX") {
			t.Errorf("the plan is\n%s", plan.String())
		}
	})
}

func TestReplacedAttemptCannotWriteToTheLog(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		ctx, b, rec := recording(t, s, 0)
		if err := say(ctx, rec, pipeline.StepClone, "old\n"); err != nil {
			t.Fatalf("before it was replaced: %v", err)
		}
		begin(t, s, b.ID)
		before := wholeLog(t, s, b.ID)
		if err := say(ctx, rec, pipeline.StepInstall, "too late\n"); !errors.Is(err, builds.ErrLost) {
			t.Errorf("output: got %v, want builds.ErrLost", err)
		}
		if err := rec.Close(); !errors.Is(err, builds.ErrLost) {
			t.Errorf("Close: got %v, want builds.ErrLost", err)
		}
		if cause := context.Cause(ctx); !errors.Is(cause, builds.ErrLost) {
			t.Errorf("the attempt's context ended with %v, want builds.ErrLost", cause)
		}
		if after := wholeLog(t, s, b.ID); after != before || before != "old\n" {
			t.Errorf("the log is %q, before it was %q", after, before)
		}
	})
}

func TestLogOfAQueuedBuildIsCompactedOnceItIsCanceled(t *testing.T) {
	s := sqliteStore(t)
	_, b, rec := recording(t, s, 0)
	must(t, rec.Output(t.Context(), pipeline.StepClone, pipeline.Stdout, []byte("one\n")))
	must(t, rec.Close())
	later := database.Micros(s.db.Now().Add(time.Hour)) // it waits before it is tried again
	must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Exec("UPDATE builds SET state = ?, owner = '', not_before = ? WHERE id = ?", pipeline.Queued, later, b.ID).Error
	}))
	serve(t, s, Work{Build: passing})
	must(t, s.Queue.Cancel(t.Context(), people.Actor{}, b.ID))
	eventually(t, "the log compacted", func() bool { return compacted(t, s, b.ID) })
}

func TestLogThatCannotBeCompactedHoldsUpNoOther(t *testing.T) {
	s := sqliteStore(t)
	var ids []int64
	for range 2 {
		ctx, b, rec := recording(t, s, 0)
		must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stdout, []byte("one\n")))
		must(t, rec.Close())
		end(t, s, b.ID)
		ids = append(ids, b.ID)
	}
	must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Exec(fmt.Sprintf("CREATE TRIGGER no BEFORE INSERT ON log_blocks WHEN NEW.build_id = %d BEGIN SELECT RAISE(ABORT, 'no'); END", ids[0])).Error
	}))
	serve(t, s, Work{Build: passing})
	eventually(t, "the second log compacted", func() bool { return compacted(t, s, ids[1]) })
	if compacted(t, s, ids[0]) {
		t.Error("the first log is compacted too: nothing was tried")
	}
}

func compacted(t *testing.T, s *Store, build int64) bool {
	t.Helper()
	var is []bool
	must(t, s.db.Read(t.Context()).Model(&builds.Row{}).Where("id = ?", build).Pluck("compacted", &is).Error)
	return len(is) == 1 && is[0]
}

func TestDamagedBlockIsAnErrorNotAShorterLog(t *testing.T) {
	packed, err := pack([]Chunk{{Seq: 5, Attempt: 1, Step: "test", Stream: "stdout", Time: time.UnixMicro(7), Data: []byte("hello")}})
	must(t, err)
	if chunks, err := unpack(5, packed); err != nil || len(chunks) != 1 || string(chunks[0].Data) != "hello" || chunks[0].Seq != 5 {
		t.Fatalf("undamaged: got %+v, %v", chunks, err)
	}
	for i := range packed {
		if _, err := unpack(5, packed[:i]); err == nil {
			t.Errorf("cut at %d: no error", i)
		}
	}
}

// TestEndOfAStepIsStoredWhileItsBeginningIs: who is canceled does not wait for the commit of the one, and tells of the other.
func TestEndOfAStepIsStoredWhileItsBeginningIs(t *testing.T) {
	s := sqliteStore(t)
	ctx, b, rec := recording(t, s, 0)
	ctx, cancel := context.WithCancelCause(ctx)
	begun, free, over := make(chan *sql.DB), make(chan struct{}), make(chan error, 3)
	go func() {
		over <- s.db.Transact(t.Context(), func(tx *database.Tx) error {
			pool, _ := tx.Config.ConnPool.(*sql.DB)
			begun <- pool
			<-free
			return nil
		})
	}()
	pool := <-begun
	waited := pool.Stats().WaitCount
	go func() { over <- rec.StepStarted(ctx, pipeline.Step{Name: pipeline.StepClone}) }()
	eventually(t, "the beginning waits for the database", func() bool { return pool.Stats().WaitCount > waited })
	cancel(pipeline.ErrCanceled)
	if err := <-over; !errors.Is(err, pipeline.ErrCanceled) {
		t.Fatalf("the beginning: %v", err)
	}
	go func() {
		over <- rec.StepEnded(t.Context(), pipeline.Step{Name: pipeline.StepClone, State: pipeline.StepErrored, Cause: pipeline.CauseCanceled})
	}()
	eventually(t, "the end is told", func() (told bool) {
		locked(&rec.mu, func() { told = rec.change != nil && rec.change.State == pipeline.StepErrored })
		return told
	})
	close(free)
	must(t, <-over)
	must(t, <-over)
	must(t, rec.Close())
	got, err := s.Builds.Get(t.Context(), b.ID)
	if err != nil || len(got.Steps) != 1 || got.Steps[0].State != pipeline.StepErrored {
		t.Errorf("steps %+v, %v; want the one that ended", got.Steps, err)
	}
}

func wholeLog(t *testing.T, s *Store, id int64) string {
	t.Helper()
	var text bytes.Buffer
	for after := int64(0); ; {
		chunks, err := s.Chunks(t.Context(), id, after, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(chunks) == 0 {
			return text.String()
		}
		for _, c := range chunks {
			if c.Seq != after+1 {
				t.Fatalf("chunk %d follows %d", c.Seq, after)
			}
			after = c.Seq
			text.Write(c.Text())
		}
	}
}

func TestWatcherSeesOtherProcessesWork(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		worker, viewer := open(), open()
		id := accept(t, worker, push(1))
		wake, stop := viewer.Watch(id)
		defer stop()
		serve(t, worker, Work{Build: passing})
		for {
			select {
			case <-wake:
			case <-time.After(time.Minute):
				t.Fatal("no wake")
			}
			if b, err := viewer.Builds.Get(t.Context(), id); err != nil || b.State == pipeline.Passed {
				return
			}
		}
	})
}
