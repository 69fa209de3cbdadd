package buildlog

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/testruns"
)

// told is a failing test whose place is known by its own line in the log: "verdict of ID".
func told(t *testing.T, ctx context.Context, rec *Recorder, id, around string) {
	t.Helper()
	must(t, rec.Output(ctx, pipeline.StepTest, pipeline.Stdout, []byte(around+"verdict of "+id+"\n")))
	must(t, rec.Tests(ctx, pipeline.StepTest, []results.Test{{ID: id, Outcome: results.Failed, Reason: "1 != 2"}}))
}

// lineOf is the number of the line that says a verdict, from 1; 0 for none.
func lineOf(text, id string) int64 {
	for i, line := range strings.Split(text, "\n") {
		if strings.HasSuffix(line, "verdict of "+id) {
			return int64(i + 1)
		}
	}
	return 0
}

func begin(t *testing.T, ctx context.Context, rec *Recorder) {
	t.Helper()
	must(t, rec.StepStarted(ctx, pipeline.Step{Name: pipeline.StepTest, StartedAt: time.Now()}))
}

func finish(t *testing.T, ctx context.Context, rec *Recorder) {
	t.Helper()
	must(t, rec.StepEnded(ctx, pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepFailed, EndedAt: time.Now()}))
	must(t, rec.Close())
}

// secondAttempt begins to record another attempt of b.
func secondAttempt(t *testing.T, l *Logs, b builds.Row, limit int64) (context.Context, *Recorder) {
	t.Helper()
	must(t, l.db.Transact(t.Context(), func(tx *database.Tx) error {
		return l.AddLine(tx, b, pipeline.StepTest, "\nThe build is queued again.\n")
	}))
	update(t, l, b.ID, map[string]any{"attempt": 2})
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return ctx, l.Record(ctx, Attempt{Build: b.ID, Number: 2, Cancel: cancel}, limit, nil)
}

func TestFailingTestKnowsItsLine(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Logs) {
		l := open()
		runs := testruns.New(l.db)
		ctx, b, rec := recording(t, l, 0)
		begin(t, ctx, rec)
		told(t, ctx, rec, "lost", "of the first attempt\n")
		must(t, rec.Output(ctx, pipeline.StepTest, pipeline.Stdout, []byte("a line without an end")))
		must(t, rec.Close())

		ctx, rec = secondAttempt(t, l, b, 300_000)
		begin(t, ctx, rec)
		told(t, ctx, rec, "first", "")
		told(t, ctx, rec, "second", "some\noutput\n\n")
		must(t, rec.Output(ctx, pipeline.StepTest, pipeline.Stderr, []byte("test_third ... ")))
		must(t, rec.Tests(ctx, pipeline.StepTest, []results.Test{{ID: "third", Outcome: results.Error}}))
		must(t, rec.Output(ctx, pipeline.StepTest, pipeline.Stderr, []byte("verdict of third\n")))
		must(t, rec.Tests(ctx, pipeline.StepTest, []results.Test{{ID: "green", Outcome: results.Passed}}))
		for n := range 60 { // past the log's limit, and past what its tail holds
			told(t, ctx, rec, fmt.Sprintf("filled-%d", n), strings.Repeat("a line of a test's output\n", 1600)+"no end: ")
		}
		finish(t, ctx, rec)

		text := rawText(t, l, b.ID)
		list, err := runs.Failing(t.Context(), b.ID, 100)
		must(t, err)
		if len(list) != 63 {
			t.Fatalf("%d failing tests are known, want 63: the first attempt's is gone", len(list))
		}
		gone := 0
		for _, r := range list {
			if want := lineOf(text, r.ID); r.At != want {
				t.Errorf("%s stands in line %d, and is said to stand in %d", r.ID, want, r.At)
			}
			if r.At == 0 {
				gone++
			}
		}
		if gone == 0 || gone > 50 || lineOf(text, "filled-59") == 0 || lineOf(text, "filled-5") == 0 {
			t.Errorf("control: of %d tests the lines are left out", gone)
		}
		counts, ok, err := runs.Counts(t.Context(), b.ID)
		want := testruns.Counts{Counts: results.Counts{Passed: 1, Failed: 62, Errors: 1}}
		if err != nil || !ok || counts != want {
			t.Errorf("counted %+v, %v; want %+v", counts, err, want)
		}
	})
}

func TestNobodyKnowsTheLineWhereTheLogIsNotCounted(t *testing.T) {
	l := onSQLite(t)
	ctx, b, rec := recording(t, l, 0)
	update(t, l, b.ID, map[string]any{"log_lines": int64(-1) << 62}) // as the migration leaves a build that was under way
	begin(t, ctx, rec)
	told(t, ctx, rec, "one", "")
	finish(t, ctx, rec)
	list, err := testruns.New(l.db).Failing(t.Context(), b.ID, 10)
	if err != nil || len(list) != 1 || list[0].At != 0 {
		t.Errorf("got %+v, %v", list, err)
	}
}

func TestResultsAreMaskedAndFenced(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Logs) {
		l := open()
		const secret = "s3cret-s3cret"
		ctx, b, rec := recording(t, l, 0, secret)
		begin(t, ctx, rec)
		must(t, rec.Tests(ctx, pipeline.StepTest, []results.Test{{
			ID: "test[" + secret + "]", Sub: secret, Outcome: results.Failed, Reason: secret, Traceback: secret, Output: secret,
			Path: secret, After: secret, Asked: []results.Asked{{Kind: "host", Name: secret}},
		}}))
		finish(t, ctx, rec)
		list, err := testruns.New(l.db).Failing(t.Context(), b.ID, 10)
		must(t, err)
		if text := fmt.Sprintf("%+v", list); strings.Contains(text, secret) || strings.Count(text, "***") != 8 {
			t.Errorf("got %s", text)
		}

		ctx, b, rec = recording(t, l, 0)
		begin(t, ctx, rec)
		update(t, l, b.ID, map[string]any{"attempt": 2})
		_ = rec.Tests(ctx, pipeline.StepTest, []results.Test{{ID: "late", Outcome: results.Failed}})
		if err := rec.Close(); err == nil {
			t.Error("an attempt that was replaced stored results")
		}
		var rows int64
		must(t, l.db.Read(t.Context()).Table("test_failures").Where("build_id = ?", b.ID).Count(&rows).Error)
		if rows != 0 {
			t.Errorf("%d results of an attempt that was replaced are stored", rows)
		}
	})
}
