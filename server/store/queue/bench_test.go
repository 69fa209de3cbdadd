package queue_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/queue"
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
		done <- s.Serve(ctx, Work{Workers: 2,
			Build: func(ctx context.Context, _ pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
				started <- struct{}{}
				for ctx.Err() == nil {
					if err := rec.Output(ctx, pipeline.StepTest, pipeline.Stdout,
						[]byte("a line of a test's output\n")); err != nil {
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

// BenchmarkClaim is what it costs to claim a build while ten thousand wait, against while ten do:
// claims on both alternate, and what is reported is the median of their ratios, and the 10th and
// 90th percentile. `make bench` prints them.
func BenchmarkClaim(b *testing.B) {
	few, many := waitingStore(b, 10), waitingStore(b, 10_000)
	var ratios []float64
	for b.Loop() {
		short, long := claimOnce(b, few), claimOnce(b, many)
		ratios = append(ratios, float64(long)/float64(short))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "claim_10000")
	if file := os.Getenv("VIVARIUM_BENCH_SAMPLES"); file != "" {
		text, err := json.Marshal(ratios)
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// waitingStore has n builds that wait, ten of each repository.
func waitingStore(b *testing.B, n int) *Store {
	b.Helper()
	s := benchStore(b)
	rows, turns := make([]builds.Row, n), map[string]queue.TurnRow{}
	for i := range rows {
		p := push(i)
		repo := fmt.Sprintf("octo/repo-%d", i/10)
		rows[i] = builds.Row{Repo: repo, Ref: p.Ref, SHA: p.SHA, Trigger: "push", State: pipeline.Queued,
			QueuedAt: database.Micros(s.Database.Now())}
		turns[repo] = queue.TurnRow{RepoKey: repo, Waiting: true}
	}
	err := s.Database.Transact(b.Context(), func(tx *database.Tx) error {
		if err := tx.CreateInBatches(rows, 500).Error; err != nil {
			return err
		}
		return tx.CreateInBatches(slices.Collect(maps.Values(turns)), 500).Error
	})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// claimOnce claims a build, and lets it wait again.
func claimOnce(b *testing.B, s *Store) time.Duration {
	b.Helper()
	start := time.Now()
	row, ok, err := s.Claim(b.Context(), 0, "me")
	took := time.Since(start)
	if err != nil || !ok {
		b.Fatal(ok, err)
	}
	err = s.Database.Transact(b.Context(), func(tx *database.Tx) error {
		return tx.Model(&builds.Row{}).Where("id = ?", row.ID).Update("state", pipeline.Queued).Error
	})
	if err != nil {
		b.Fatal(err)
	}
	return took
}
