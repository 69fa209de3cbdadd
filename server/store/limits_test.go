package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/limits"
)

func TestLimitsOfAStepAreStored(t *testing.T) {
	want := limits.Limits{Timeout: time.Minute, LogLimit: 5, LogRate: 6}
	want.Memory, want.Disk, want.FileSize, want.CPUs = 1<<30, 2<<30, 4, 0.1
	want.Pids, want.OpenFiles, want.Inodes = 3, 7, 8
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		id := accept(t, s, push(1))
		serve(t, s, Work{Build: func(ctx context.Context, _ pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
			lower := want
			lower.Pids = 1
			step := pipeline.Step{Name: pipeline.StepPlan, State: pipeline.StepPassed, StartedAt: time.Now(), Limits: want}
			err := rec.StepStarted(ctx, step)
			step.EndedAt, step.Limits = time.Now(), lower
			err = errors.Join(
				err, rec.StepEnded(ctx, step),
				rec.StepEnded(ctx, pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepSkipped}),
			)
			return pipeline.Outcome{State: pipeline.Passed}, err
		}})
		eventually(t, "the build's end", func() bool {
			b, err := s.Builds.Get(t.Context(), id)
			must(t, err)
			return b.State == pipeline.Passed && b.Limits() != nil && b.Limits().Pids == 1 && b.Limits().CPUs == 0.1
		})
	})
}
