package buildlog

import (
	"bytes"
	"runtime"
	"testing"

	"vivarium/pipeline"
)

// BenchmarkLog stores 100 MB of output in pieces of 32 KiB, and reports how far the heap grew.
func BenchmarkLog(b *testing.B) {
	l := onSQLite(b)
	piece := bytes.Repeat([]byte("a line of a test's output, 32 B\n"), 1024)
	const pieces = 100_000_000 / (32 << 10)
	b.SetBytes(pieces * int64(len(piece)))
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	grown := uint64(0)
	for b.Loop() {
		ctx, _, rec := recording(b, l, 1<<40)
		for i := range pieces {
			if err := rec.Output(ctx, pipeline.StepTest, pipeline.Stdout, piece); err != nil {
				b.Fatal(err)
			}
			if i%200 == 0 {
				runtime.ReadMemStats(&now)
				grown = max(grown, now.Sys-before.Sys)
			}
		}
		if err := rec.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(grown)/(1<<20), "MiB-grown")
}
