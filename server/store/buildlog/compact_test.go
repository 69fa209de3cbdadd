package buildlog

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

func TestCompactionChangesNothingThatIsRead(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Logs) {
		l := open()
		ctx, b, rec := recording(t, l, 3<<20)
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
		update(t, l, b.ID, map[string]any{"state": pipeline.Passed})
		read := func(after int64) (all []Chunk) {
			for {
				chunks, err := l.Chunks(ctx, b.ID, after, 100_000)
				must(t, err)
				if len(chunks) == 0 {
					return all
				}
				all = append(all, chunks...)
				after = chunks[len(chunks)-1].Seq
			}
		}
		before := read(0)
		step, _, err := l.StepLog(ctx, b.ID, pipeline.StepInstall, 1<<20)
		must(t, err)
		if build, err := l.compactNext(ctx, 0); build != b.ID || err != nil {
			t.Fatalf("compact: %d, %v", build, err)
		}
		var loose, blocks int64
		must(t, l.db.Read(ctx).Model(&chunkRow{}).Count(&loose).Error)
		must(t, l.db.Read(ctx).Model(&blockRow{}).Count(&blocks).Error)
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
		if got, _, err := l.StepLog(ctx, b.ID, pipeline.StepInstall, 1<<20); err != nil || got != step {
			t.Errorf("the step's log differs, %v", err)
		}
		if build, err := l.compactNext(ctx, 0); build != 0 || err != nil {
			t.Errorf("compact again: %d, %v; want nothing to do", build, err)
		}
	})
}

func TestLogThatCannotBeCompactedHoldsUpNoOther(t *testing.T) {
	l := onSQLite(t)
	var ids []int64
	for range 2 {
		ctx, b, rec := recording(t, l, 0)
		must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stdout, []byte("one\n")))
		must(t, rec.Close())
		update(t, l, b.ID, map[string]any{"state": pipeline.Passed})
		ids = append(ids, b.ID)
	}
	must(t, l.db.Transact(t.Context(), func(tx *database.Tx) error {
		return tx.Exec(fmt.Sprintf(`CREATE TRIGGER no BEFORE INSERT ON log_blocks WHEN NEW.build_id = %d
			BEGIN SELECT RAISE(ABORT, 'no'); END`, ids[0])).Error
	}))
	compacting(t, l)
	eventually(t, "the second log compacted", func() bool { return compacted(t, l, ids[1]) })
	if compacted(t, l, ids[0]) {
		t.Error("the first log is compacted too: nothing was tried")
	}
}

func TestLogIsCompactedOnceItsBuildHasEnded(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Logs) {
		l := open()
		ctx, b, rec := recording(t, l, 0)
		must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stdout, []byte("one\n")))
		must(t, rec.Close())
		compacting(t, l)
		if compacted(t, l, b.ID) {
			t.Error("the log of a build that runs is compacted")
		}
		update(t, l, b.ID, map[string]any{"state": pipeline.Passed})
		l.Ended()
		eventually(t, "the log compacted", func() bool { return compacted(t, l, b.ID) })
		if got := wholeLog(t, l, b.ID); got != "one\n" {
			t.Errorf("compacted, the log is %q", got)
		}
	})
}

// compacting has ended builds' logs compacted until the end of the test.
func compacting(t *testing.T, l *Logs) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var loop sync.WaitGroup
	loop.Go(func() { l.Compact(ctx) })
	t.Cleanup(func() {
		cancel()
		loop.Wait()
	})
}

func compacted(t *testing.T, l *Logs, build int64) bool {
	t.Helper()
	var is []bool
	must(t, l.db.Read(t.Context()).Model(&builds.Row{}).Where("id = ?", build).Pluck("compacted", &is).Error)
	return len(is) == 1 && is[0]
}

func TestDamagedBlockIsAnErrorNotAShorterLog(t *testing.T) {
	one := Chunk{Seq: 5, Attempt: 1, Step: "test", Stream: "stdout", Time: time.UnixMicro(7).UTC(), Data: []byte("hello")}
	packed, err := pack([]Chunk{one})
	must(t, err)
	if chunks, err := unpack(5, packed); err != nil || !reflect.DeepEqual(chunks, []Chunk{one}) {
		t.Fatalf("undamaged: got %+v, %v", chunks, err)
	}
	for i := range packed {
		if _, err := unpack(5, packed[:i]); err == nil {
			t.Errorf("cut at %d: no error", i)
		}
	}
}
