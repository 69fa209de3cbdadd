package buildlog

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var (
	must       = storetest.Must
	eventually = storetest.Eventually
)

// everyDatabase runs a test on the logs of each kind of database. open opens the same one each
// time.
func everyDatabase(t *testing.T, test func(t *testing.T, open func() *Logs)) {
	t.Helper()
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		test(t, func() *Logs { return logsOf(t, open()) })
	})
}

func onSQLite(t testing.TB) *Logs {
	t.Helper()
	return logsOf(t, databasetest.SQLite(t))
}

func logsOf(t testing.TB, db *database.DB) *Logs {
	t.Helper()
	l := New(db, storetest.Log(t))
	t.Cleanup(l.Close)
	return l
}

// recording makes a build of which an attempt runs, and begins to record that.
func recording(t testing.TB, l *Logs, limit int64, secrets ...string) (context.Context, builds.Row, *Recorder) {
	t.Helper()
	b := running(t, l)
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return ctx, b, l.Record(ctx, Attempt{Build: b.ID, Number: b.Attempt, Cancel: cancel}, limit, secrets)
}

// running makes a build of which an attempt runs.
func running(t testing.TB, l *Logs) builds.Row {
	t.Helper()
	b := builds.Row{Repo: "octo/hello", State: pipeline.Running, Attempt: 1}
	must(t, l.db.Transact(t.Context(), func(tx *database.Tx) error { return tx.Create(&b).Error }))
	return b
}

// update changes the row of a build.
func update(t testing.TB, l *Logs, build int64, columns map[string]any) {
	t.Helper()
	must(t, l.db.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Model(&builds.Row{}).Where("id = ?", build).Updates(columns).Error
	}))
}

// say is a whole step with one piece of output.
func say(ctx context.Context, rec *Recorder, step pipeline.StepName, text string) error {
	started := pipeline.Step{Name: step, Command: "say", StartedAt: time.Now()}
	if err := rec.StepStarted(ctx, started); err != nil {
		return err
	}
	if err := rec.Output(ctx, step, pipeline.Stdout, []byte(text)); err != nil {
		return err
	}
	started.State, started.EndedAt = pipeline.StepPassed, time.Now()
	return rec.StepEnded(ctx, started)
}

func TestLogKeepsOrderStepsAndStreams(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Logs) {
		leaks := goleak.IgnoreCurrent()
		t.Cleanup(func() { goleak.VerifyNone(t, leaks) })
		l := open()
		ctx, b, rec := recording(t, l, 0)
		must(t, rec.StepStarted(ctx, pipeline.Step{Name: pipeline.StepClone, StartedAt: time.Now()}))
		must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stdout, []byte("one ")))
		must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stdout, []byte("two\n")))
		must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stderr, []byte("three\n")))
		must(t, rec.StepEnded(ctx, pipeline.Step{Name: pipeline.StepClone, State: pipeline.StepPassed, EndedAt: time.Now()}))
		must(t, say(ctx, rec, pipeline.StepLint, "four\xff\n"))
		must(t, rec.StepEnded(ctx, pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepSkipped}))
		must(t, rec.Close())
		if got, want := wholeLog(t, l, b.ID), "one two\nthree\nfour\xff\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		for step, want := range map[pipeline.StepName]string{
			pipeline.StepClone:   "one two\nthree\n",
			pipeline.StepLint:    "four\xff\n",
			pipeline.StepTest:    "",
			pipeline.StepInstall: "",
		} {
			if got, cut, err := l.StepLog(ctx, b.ID, step, 100); got != want || cut || err != nil {
				t.Errorf("%s: got %q, %v, %v; want %q", step, got, cut, err, want)
			}
		}
		if got, cut, err := l.StepLog(ctx, b.ID, pipeline.StepClone, 5); got != "one t" || !cut || err != nil {
			t.Errorf("cut: got %q, %v, %v", got, cut, err)
		}
		chunks, err := l.Chunks(ctx, b.ID, 0, 1)
		if err != nil || len(chunks) != 1 {
			t.Errorf("at least one chunk: got %d, %v", len(chunks), err)
		}
	})
}

func TestFirstOutputIsCommittedAtOnce(t *testing.T) {
	l := onSQLite(t)
	ctx, b, rec := recording(t, l, 0)
	defer rec.Close()
	wake, stop := l.Watch(b.ID)
	defer stop()
	start := time.Now()
	must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stdout, []byte("hello\n")))
	<-wake
	t.Logf("committed and told after %s", time.Since(start))
	if got := wholeLog(t, l, b.ID); got != "hello\n" {
		t.Errorf("got %q", got)
	}
}

func TestSecretsAreMaskedAcrossPieces(t *testing.T) {
	l := onSQLite(t)
	ctx, b, rec := recording(t, l, 0, "canary-token")
	must(t, rec.StepStarted(ctx, pipeline.Step{Name: pipeline.StepTest}))
	for _, p := range []string{"a cana", "ry-tok", "en b can"} {
		must(t, rec.Output(ctx, pipeline.StepTest, pipeline.Stdout, []byte(p)))
	}
	must(t, rec.Output(ctx, pipeline.StepTest, pipeline.Stderr, []byte("err canary-token\n")))
	must(t, rec.StepEnded(ctx, pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepPassed}))
	must(t, rec.Close())
	log := wholeLog(t, l, b.ID)
	if strings.Contains(log, "canary") {
		t.Errorf("a secret is in %q", log)
	}
	for _, kept := range []string{"a *** b ", "err ***\n", "can"} {
		if !strings.Contains(log, kept) {
			t.Errorf("%q is not in %q", kept, log)
		}
	}
}

func TestLogPastItsLimitKeepsHeadAndTail(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Logs) {
		l := open()
		const limit = 200_000
		ctx, b, rec := recording(t, l, limit)
		must(t, rec.StepStarted(ctx, pipeline.Step{Name: pipeline.StepTest}))
		var all bytes.Buffer
		for i := range 200_000 {
			line := fmt.Appendf(nil, "line %d\n", i)
			all.Write(line)
			must(t, rec.Output(ctx, pipeline.StepTest, pipeline.Stdout, line))
		}
		omitted := int64(all.Len()) - limit - maxTail
		if got := l.Omitting(b.ID); got != omitted {
			t.Errorf("omitting %d bytes, want %d", got, omitted)
		}
		must(t, rec.StepEnded(ctx, pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepPassed}))
		must(t, rec.Close())
		var stored bytes.Buffer
		gaps := 0
		for after := int64(0); ; {
			chunks, err := l.Chunks(ctx, b.ID, after, 1<<20)
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
	l := onSQLite(t)
	const limit, pieces = 100_000, 50_000
	ctx, b, rec := recording(t, l, limit)
	must(t, rec.StepStarted(ctx, pipeline.Step{Name: pipeline.StepTest}))
	for i := range pieces {
		stream := []pipeline.Stream{pipeline.Stdout, pipeline.Stderr}[i%2]
		must(t, rec.Output(ctx, pipeline.StepTest, stream, []byte{'a' + byte(i%26)}))
	}
	must(t, rec.StepEnded(ctx, pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepPassed}))
	must(t, rec.Close())
	var rows, omitted int64
	must(t, l.db.Read(ctx).Model(&chunkRow{}).Where("build_id = ?", b.ID).Count(&rows).Error)
	must(t, l.db.Read(ctx).Model(&chunkRow{}).Where("build_id = ?", b.ID).Select("sum(omitted)").Scan(&omitted).Error)
	if most := int64(limit/bytesPerChunk + minChunks + maxTailChunks + 1); rows > most || omitted != pieces-(rows-1) {
		t.Errorf("%d chunks and %d bytes left out; want at most %d chunks", rows, omitted, most)
	}
}

// TestALongLogIsReadByItsIndexPieceByPiece: PostgreSQL sorted the rest of the log for each pull,
// and sent it whole.
func TestALongLogIsReadByItsIndexPieceByPiece(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Logs) {
		l := open()
		id := running(t, l).ID
		must(t, l.db.Transact(t.Context(), func(tx *database.Tx) error {
			return tx.Exec(`INSERT INTO log_chunks (build_id, seq, attempt, step, stream, at, data, omitted)
				WITH RECURSIVE n (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < 20000)
				SELECT ?, seq, 1, 'test', 'stdout', 0, ?, 0 FROM n`, id, bytes.Repeat([]byte("x"), 50)).Error
		}))
		must(t, l.db.Transact(t.Context(), func(tx *database.Tx) error { return tx.Exec("ANALYZE").Error }))
		chunks, err := l.Chunks(t.Context(), id, 10, 1<<20)
		if err != nil || len(chunks) != maxChunks || chunks[0].Seq != 11 || chunks[maxChunks-1].Seq != maxChunks+10 {
			t.Errorf("got %d chunks, %v; want %d, after the tenth", len(chunks), err, maxChunks)
		}
		explain := "EXPLAIN " + pieces
		if l.db.Exclusive() {
			explain = "EXPLAIN QUERY PLAN " + pieces
		}
		rows, err := l.db.Read(t.Context()).
			Raw(explain, map[string]any{"build": id, "after": 10, "limit": firstPieces}).Rows()
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
		if !strings.Contains(plan.String(), "Index Scan using log_chunks_pkey") &&
			!strings.Contains(plan.String(), "SEARCH log_chunks USING INDEX") {
			t.Errorf("the plan is\n%s", plan.String())
		}
	})
}

func TestReplacedAttemptCannotWriteToTheLog(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Logs) {
		l := open()
		ctx, b, rec := recording(t, l, 0)
		if err := say(ctx, rec, pipeline.StepClone, "old\n"); err != nil {
			t.Fatalf("before it was replaced: %v", err)
		}
		update(t, l, b.ID, map[string]any{"attempt": b.Attempt + 1})
		before := wholeLog(t, l, b.ID)
		if err := say(ctx, rec, pipeline.StepInstall, "too late\n"); !errors.Is(err, builds.ErrLost) {
			t.Errorf("output: got %v, want builds.ErrLost", err)
		}
		if err := rec.Close(); !errors.Is(err, builds.ErrLost) {
			t.Errorf("Close: got %v, want builds.ErrLost", err)
		}
		if cause := context.Cause(ctx); !errors.Is(cause, builds.ErrLost) {
			t.Errorf("the attempt's context ended with %v, want builds.ErrLost", cause)
		}
		if after := wholeLog(t, l, b.ID); after != before || before != "old\n" {
			t.Errorf("the log is %q, before it was %q", after, before)
		}
	})
}

// TestEndOfAStepIsStoredWhileItsBeginningIs: who is canceled does not wait for the commit of the
// one, and tells of the other.
func TestEndOfAStepIsStoredWhileItsBeginningIs(t *testing.T) {
	l := onSQLite(t)
	ctx, b, rec := recording(t, l, 0)
	ctx, cancel := context.WithCancelCause(ctx)
	begun, free, over := make(chan *sql.DB), make(chan struct{}), make(chan error, 3)
	go func() {
		over <- l.db.Transact(t.Context(), func(tx *database.Tx) error {
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
		ended := pipeline.Step{Name: pipeline.StepClone, State: pipeline.StepErrored, Cause: pipeline.CauseCanceled}
		over <- rec.StepEnded(t.Context(), ended)
	}()
	eventually(t, "the end is told", func() (told bool) {
		locked(&rec.mu, func() { told = rec.change != nil && rec.change.State == pipeline.StepErrored })
		return told
	})
	close(free)
	must(t, <-over)
	must(t, <-over)
	must(t, rec.Close())
	got, err := builds.New(l.db).Get(t.Context(), b.ID)
	if err != nil || len(got.Steps) != 1 || got.Steps[0].State != pipeline.StepErrored {
		t.Errorf("steps %+v, %v; want the one that ended", got.Steps, err)
	}
}

func wholeLog(t *testing.T, l *Logs, id int64) string {
	t.Helper()
	var text bytes.Buffer
	for after := int64(0); ; {
		chunks, err := l.Chunks(t.Context(), id, after, 1<<20)
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
