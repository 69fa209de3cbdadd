package queue_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"vivarium/pipeline"
)

// everyBenchStore runs a benchmark on each database.
func everyBenchStore(b *testing.B, bench func(b *testing.B, s *Store)) {
	b.Helper()
	b.Run("sqlite", func(b *testing.B) { bench(b, benchStore(b)) })
	b.Run("postgres", func(b *testing.B) {
		s, err := Open(b.Context(), Options{DatabaseURL: postgresURL(b), DataDir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		bench(b, s)
	})
}

// serveBench serves until the benchmark's end. A build tells started when its worker has it, and
// passes.
func serveBench(b *testing.B, s *Store, started chan<- time.Time) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	ready, done := make(chan struct{}), make(chan error, 1)
	build := func(context.Context, pipeline.Build, pipeline.Recorder) (pipeline.Outcome, error) {
		started <- time.Now()
		return pipeline.Outcome{State: pipeline.Passed}, nil
	}
	go func() { done <- s.Serve(ctx, Work{Workers: 2, Build: build}, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
}

// BenchmarkPickup is how long a push that was just answered waits until a worker has its build,
// with nothing else to do. `make bench-idle` prints it.
func BenchmarkPickup(b *testing.B) {
	everyBenchStore(b, func(b *testing.B, s *Store) {
		started := make(chan time.Time, 1)
		serveBench(b, s, started)
		var took []time.Duration
		for n := 0; b.Loop(); n++ {
			time.Sleep(100*time.Millisecond + rand.N(100*time.Millisecond)) // out of step with any poll
			if _, err := s.AcceptPush(b.Context(), push(n)); err != nil {
				b.Fatal(err)
			}
			answered := time.Now()
			took = append(took, (<-started).Sub(answered))
		}
		slices.Sort(took)
		b.ReportMetric(0, "ns/op") // it counts the pauses
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
		b.ReportMetric(float64(took[len(took)*9/10].Microseconds())/1000, "p90-ms")
	})
}

// BenchmarkIdle is what the store costs while nothing happens, in percent of a core. PostgreSQL's
// own processes are not counted.
func BenchmarkIdle(b *testing.B) {
	const long = 20 * time.Second
	everyBenchStore(b, func(b *testing.B, s *Store) {
		serveBench(b, s, nil)
		var used, waited time.Duration
		for b.Loop() {
			before := cpuTime(b)
			time.Sleep(long)
			used, waited = used+cpuTime(b)-before, waited+long
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(100*used.Seconds()/waited.Seconds(), "%core")
	})
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
