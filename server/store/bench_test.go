package store

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"vivarium/pipeline"
)

func benchStore(b *testing.B) *Store {
	b.Helper()
	s, err := Open(b.Context(), Options{DataDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// BenchmarkBurst is 200 deliveries at once on SQLite while two builds write to their logs.
func BenchmarkBurst(b *testing.B) {
	s := benchStore(b)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	started := make(chan struct{}, 2)
	go func() {
		done <- s.Serve(ctx, Work{Workers: 2, Build: func(ctx context.Context, _ pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
			started <- struct{}{}
			for ctx.Err() == nil {
				if err := rec.Output(ctx, pipeline.StepTest, pipeline.Stdout, []byte("a line of a test's output\n")); err != nil {
					return pipeline.Outcome{}, err
				}
				time.Sleep(5 * time.Millisecond)
			}
			return pipeline.Outcome{}, context.Cause(ctx)
		}}, func() {})
	}()
	for i := range 2 {
		if _, err := s.AcceptPush(b.Context(), push(-1-i)); err != nil {
			b.Fatal(err)
		}
		<-started
	}
	const n = 200
	var all []time.Duration
	for round := 0; b.Loop(); round++ {
		took := make([]time.Duration, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				start := time.Now()
				if _, err := s.AcceptPush(b.Context(), push(round*n+i)); err != nil {
					b.Error(err)
				}
				took[i] = time.Since(start)
			})
		}
		wg.Wait()
		all = append(all, took...)
	}
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)*99/100-1].Milliseconds()), "p99-ms")
}

// BenchmarkLog stores 100 MB of output in pieces of 32 KiB, and reports how far the heap grew.
func BenchmarkLog(b *testing.B) {
	s := benchStore(b)
	piece := bytes.Repeat([]byte("a line of a test's output, 32 B\n"), 1024)
	const pieces = 100_000_000 / (32 << 10)
	b.SetBytes(pieces * int64(len(piece)))
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	grown := uint64(0)
	for b.Loop() {
		ctx, _, rec := recording(b, s, 1<<40)
		for i := range pieces {
			if err := rec.Output(ctx, pipeline.StepTest, pipeline.Stdout, piece); err != nil {
				b.Fatal(err)
			}
			if i%200 == 0 {
				runtime.ReadMemStats(&now)
				grown = max(grown, now.Sys-before.Sys)
			}
		}
		if err := rec.close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(grown)/(1<<20), "MiB-grown")
}
