package buildlog

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

// rawText is the whole log as a reader of the plain log sees it. It sees that each chunk knows where
// it stands.
func rawText(t *testing.T, l *Logs, build int64) string {
	t.Helper()
	var all bytes.Buffer
	must(t, l.eachChunk(t.Context(), build, 0, func(c Chunk) bool {
		if want := int64(bytes.Count(all.Bytes(), []byte("\n"))); c.Line != want {
			t.Errorf("chunk %d says that %d lines end before it, and it is %d", c.Seq, c.Line, want)
		}
		all.Write(c.Text())
		return true
	}))
	return all.String()
}

// twoAttempts records two attempts of one build, the first of which ends inside of a line and the
// second of which is larger than its log's limit.
func twoAttempts(t *testing.T, l *Logs) builds.Row {
	t.Helper()
	ctx, b, rec := recording(t, l, 0)
	must(t, rec.StepStarted(ctx, pipeline.Step{Name: pipeline.StepClone, StartedAt: time.Now()}))
	must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stdout, []byte("one\ntwo\nthr")))
	must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stderr, []byte("an error\n")))
	must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stdout, []byte("ee")))
	must(t, rec.Close())
	must(t, l.db.Transact(ctx, func(tx *database.Tx) error {
		return l.AddLine(tx, b, pipeline.StepClone, "\nThe build is queued again.\n")
	}))
	update(t, l, b.ID, map[string]any{"attempt": 2})
	b.Attempt = 2
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	rec = l.Record(ctx, Attempt{Build: b.ID, Number: 2, Cancel: cancel}, 200_000, nil)
	must(t, rec.StepStarted(ctx, pipeline.Step{Name: pipeline.StepTest, StartedAt: time.Now()}))
	for range 100_000 {
		must(t, rec.Output(ctx, pipeline.StepTest, pipeline.Stdout, []byte("a line of some output\n")))
	}
	must(t, rec.StepEnded(ctx, pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepPassed, EndedAt: time.Now()}))
	must(t, rec.Close())
	return b
}

func TestChunksKnowTheLineAtWhichTheyStand(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Logs) {
		l := open()
		b := twoAttempts(t, l)
		text := rawText(t, l, b.ID)
		for _, part := range []string{"The build is queued again", "bytes of output are left out here"} {
			if !strings.Contains(text, part) {
				t.Fatalf("control: the log does not say %q", part)
			}
		}
		var row builds.Row
		must(t, l.db.Read(t.Context()).Take(&row, b.ID).Error)
		if want := int64(strings.Count(text, "\n")); row.LogLines != want {
			t.Errorf("the build's row counts %d lines, and there are %d", row.LogLines, want)
		}
		update(t, l, b.ID, map[string]any{"state": pipeline.Passed})
		if build, err := l.compactNext(t.Context(), 0); build != b.ID || err != nil {
			t.Fatalf("compact: %d, %v", build, err)
		}
		if rawText(t, l, b.ID) != text {
			t.Error("the compressed log is another")
		}
	})
}

func TestEachLineIsFoundByItsNumber(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Logs) {
		l := open()
		b := twoAttempts(t, l)
		compacted := false
		look := func() {
			last := int64(strings.Count(rawText(t, l, b.ID), "\n")) + 1
			for _, line := range []int64{1, 2, 3, 4, 5, 6, 1000, last / 2, last - 1, last} {
				after, err := l.BeforeLine(t.Context(), b.ID, line)
				must(t, err)
				chunks, err := l.Chunks(t.Context(), b.ID, after, 1<<20)
				must(t, err)
				if line < last && (len(chunks) == 0 || chunks[0].Line >= line) {
					t.Errorf("compacted %v: line %d of %d is not after chunk %d", compacted, line, last, after)
				}
				far := int64(0)
				for _, c := range chunks {
					if c.Line+c.Lines() < line-1 {
						far++
					}
				}
				if !compacted && far > 2 {
					t.Errorf("line %d: %d chunks too many are read", line, far)
				}
			}
			for _, line := range []int64{-1, 0, last + 1} {
				if _, err := l.BeforeLine(t.Context(), b.ID, line); !errors.Is(err, database.ErrNotFound) {
					t.Errorf("line %d of %d: got %v", line, last, err)
				}
			}
		}
		look()
		update(t, l, b.ID, map[string]any{"state": pipeline.Passed})
		_, err := l.compactNext(t.Context(), 0)
		must(t, err)
		compacted = true
		look()
	})
}
