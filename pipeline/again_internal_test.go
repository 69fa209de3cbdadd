package pipeline

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"vivarium/sandbox"
)

// TestWhatIsTriedAgainIsBoundedAsAllOutputIs: what a program writes is read at the server's cost,
// also where the log does not show it.
func TestWhatIsTriedAgainIsBoundedAsAllOutputIs(t *testing.T) {
	piece := bytes.Repeat([]byte("x"), 1000)
	read := 0
	c := command{again: true, report: func(_ context.Context, p []byte) error {
		read += len(p)
		return nil
	}}
	a := newAttempt(&Runner{}, Request{}, &firstStep{})
	a.limits.LogLimit = 5000
	var err error
	for range 10 {
		if err = a.take(t.Context(), c, sandbox.Report, piece); err != nil {
			break
		}
	}
	if !errors.Is(err, errLogLimit) || read != 5000 {
		t.Errorf("after %d bytes: %v", read, err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, stream := range []sandbox.Stream{sandbox.Report, sandbox.Stdout, sandbox.Stderr} {
		for rate, want := range map[int64]error{10: context.Canceled, 1 << 30: nil} {
			a := newAttempt(&Runner{}, Request{}, &firstStep{})
			a.limits.LogLimit, a.limits.LogRate = 1<<30, rate
			if err := a.take(ended, c, stream, piece); !errors.Is(err, want) {
				t.Errorf("stream %v at %d bytes a second: %v, want %v", stream, rate, err, want)
			}
		}
	}
}
