package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"vivarium/images"
	"vivarium/pipeline"
	"vivarium/sandbox"
	"vivarium/sandbox/posture"
)

// selfTestInterval is how often an engine that did not keep its promises is checked again.
var selfTestInterval = time.Minute

// selfTest holds why no build can start, until builds can start.
type selfTest struct {
	passed chan struct{} // closed when builds can start

	mu  sync.Mutex
	why error
}

func newSelfTest() *selfTest {
	return &selfTest{
		passed: make(chan struct{}),
		why:    errors.New("the runner image is being made; builds wait for it"),
	}
}

// reason is nil once builds can start.
func (p *selfTest) reason() error {
	select {
	case <-p.passed:
		return nil
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.why
}

// keep stores the reason and reports whether it is a new one.
func (p *selfTest) keep(why error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	changed := p.why.Error() != why.Error()
	p.why = why
	return changed
}

// awaitPosture checks one sandbox until it is as promised, or ctx ends: no build should be the
// first to meet an engine that drops a limit. Once the engine is mended, the server need not be
// restarted.
func (s *daemon) awaitPosture(ctx context.Context, image images.Image) bool {
	for {
		looked, err := lookAt(ctx, s.engine, postureSpec(s.settings, image.ID, s.instance))
		if err == nil {
			for _, text := range looked.Advice {
				s.log.WarnContext(ctx, "sandboxes could be isolated better; builds are taken all the same",
					"advice", text)
			}
			close(s.selfTest.passed)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if s.selfTest.keep(err) {
			s.log.ErrorContext(ctx, "builds are not taken, since sandboxes are not as promised; they stay queued",
				"err", err)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(selfTestInterval):
			s.sweep(ctx, false)
		}
	}
}

// lookAt gives an error that says why sandboxes of spec are not as promised, if they are not.
func lookAt(ctx context.Context, e *sandbox.Engine, spec sandbox.Spec) (posture.Report, error) {
	p, err := posture.Look(ctx, e, spec)
	if err != nil {
		return p, fmt.Errorf("cannot look at a sandbox: %w", err)
	}
	return p, p.Err()
}

// postureSpec is the spec of a build, for a sandbox that is only checked.
func postureSpec(s pipeline.Settings, image, instance string) sandbox.Spec {
	return sandbox.Spec{
		Image:    image,
		Instance: instance,
		Deadline: time.Now().Add(2 * time.Minute),
		Runtime:  s.Runtime,
		Limits:   s.Limits.Limits,
	}
}

// doctorInstance labels the container that the doctor checks.
const doctorInstance = "doctor"
