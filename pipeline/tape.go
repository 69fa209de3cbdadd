package pipeline

import (
	"context"
	"fmt"
	"slices"

	"vivarium/pipeline/results"
)

// tape is a Recorder that keeps one step, to be recorded later.
type tape struct {
	started, ended *Step
	pieces         []piece
	bytes          int
	left           int // bytes that were too many
}

type piece struct {
	stream Stream
	text   []byte
}

// maxTape bounds what is kept of a step's output, in bytes: hundreds of thousands of problems are no
// more help to anybody than thousands.
const maxTape = 1 << 20

// StepStarted implements Recorder.
func (t *tape) StepStarted(_ context.Context, step Step) error {
	t.started = &step
	return nil
}

// Output implements Recorder.
func (t *tape) Output(_ context.Context, _ StepName, stream Stream, p []byte) error {
	if stream != System && t.bytes+len(p) > maxTape {
		t.left += len(p)
		return nil
	}
	t.bytes += len(p)
	t.pieces = append(t.pieces, piece{stream, slices.Clone(p)})
	return nil
}

// Tests implements Recorder. The step that is kept is lint, which has none.
func (t *tape) Tests(context.Context, StepName, []results.Test) error { return nil }

// StepEnded implements Recorder.
func (t *tape) StepEnded(_ context.Context, step Step) error {
	t.ended = &step
	return nil
}

// play records the step in its place.
func (t *tape) play(ctx context.Context, rec Recorder) error {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
		defer cancel()
	}
	last := max(0, len(t.pieces)-1)
	if err := t.playOn(ctx, rec); err != nil {
		return err
	}
	for _, p := range t.pieces[last:] {
		if err := rec.Output(ctx, StepLint, p.stream, p.text); err != nil {
			return err
		}
	}
	return rec.StepEnded(ctx, *t.ended)
}

// playOn records the step but for its last line, which says how it ended: it goes on.
func (t *tape) playOn(ctx context.Context, rec Recorder) error {
	if t.started != nil {
		if err := rec.StepStarted(ctx, *t.started); err != nil {
			return err
		}
	}
	for _, p := range t.pieces[:max(0, len(t.pieces)-1)] {
		if err := rec.Output(ctx, StepLint, p.stream, p.text); err != nil {
			return err
		}
	}
	if t.left == 0 {
		return nil
	}
	line := fmt.Sprintf("%d bytes of output are left out\n", t.left)
	return rec.Output(ctx, StepLint, System, []byte(line))
}
