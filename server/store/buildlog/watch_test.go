package buildlog

import (
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
)

func TestWatcherSeesOtherProcessesWork(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Logs) {
		worker, viewer := open(), open()
		ctx, b, rec := recording(t, worker, 0)
		wake, stop := viewer.Watch(b.ID)
		defer stop()
		await := func(what string, seen func() bool) {
			t.Helper()
			for !seen() {
				select {
				case <-wake:
				case <-time.After(time.Minute):
					t.Fatalf("no wake that shows %s", what)
				}
			}
		}
		must(t, rec.Output(ctx, pipeline.StepClone, pipeline.Stdout, []byte("one\n")))
		await("what was committed", func() bool { return wholeLog(t, viewer, b.ID) == "one\n" })
		must(t, rec.Close())
		update(t, worker, b.ID, map[string]any{"state": pipeline.Passed})
		await("the build's end", func() bool {
			got, err := builds.New(viewer.db).Get(t.Context(), b.ID)
			must(t, err)
			return got.State == pipeline.Passed
		})
	})
}
