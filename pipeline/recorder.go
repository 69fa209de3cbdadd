package pipeline

import (
	"context"

	"vivarium/pipeline/results"
)

// Stream says who wrote a piece of a build's log.
type Stream string

const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
	System Stream = "system" // Vivarium's own lines
)

// Recorder records what one attempt at a build does, as it happens. Its methods are called from one
// goroutine at a time. Output may block: that is the back-pressure on the sandbox. An error from
// any of them abandons the attempt.
type Recorder interface {
	// StepStarted begins a step: Name, Command and StartedAt are set.
	StepStarted(ctx context.Context, step Step) error
	// Output takes a piece of the step's log. p is only valid during the call.
	Output(ctx context.Context, step StepName, stream Stream, p []byte) error
	// Tests takes results of tests, in order with Output: what it took before stands in the log above
	// them. A test whose ID and Sub it was given before replaces that one. tests is only valid during
	// the call.
	Tests(ctx context.Context, step StepName, tests []results.Test) error
	// StepEnded ends a step, or reports one that was skipped.
	StepEnded(ctx context.Context, step Step) error
}
