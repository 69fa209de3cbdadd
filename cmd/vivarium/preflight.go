package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"vivarium/images"
	"vivarium/sandbox"
)

// preflightInterval is how often an engine is looked at that did not keep its promises.
var preflightInterval = time.Minute

// preflight is why builds cannot be worked on, as long as they cannot.
type preflight struct {
	passed chan struct{} // closed when builds can start

	mu  sync.Mutex
	why error
}

func newPreflight() *preflight {
	return &preflight{
		passed: make(chan struct{}),
		why:    errors.New("the runner image is being made; builds wait for it"),
	}
}

// reason is nil once builds can start.
func (p *preflight) reason() error {
	select {
	case <-p.passed:
		return nil
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.why
}

// refuse keeps the reason and reports whether it is a new one.
func (p *preflight) refuse(why error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	changed := p.why.Error() != why.Error()
	p.why = why
	return changed
}

// awaitPosture looks at one sandbox until it is as promised, or ctx ends: an engine that drops
// a limit is not to be found out by a build. Who mends the engine need not restart the server.
func (s *service) awaitPosture(ctx context.Context, image images.Image) bool {
	for {
		err := lookAt(ctx, s.engine, postureSpec(s.config, s.limits, image.ID, s.instance))
		if err == nil {
			close(s.preflight.passed)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if s.preflight.refuse(err) {
			s.log.ErrorContext(ctx, "builds are not taken, since sandboxes are not as promised; they stay queued", "err", err)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(preflightInterval):
			s.sweep(ctx, false)
		}
	}
}

// lookAt is why sandboxes of spec are not as promised, or nil.
func lookAt(ctx context.Context, e *sandbox.Engine, spec sandbox.Spec) error {
	p, err := e.Posture(ctx, spec)
	if err != nil {
		return fmt.Errorf("cannot look at a sandbox: %w", err)
	}
	return p.Err()
}

// postureSpec is what a build gets, for a sandbox that is only looked at.
func postureSpec(c config, l sandbox.Limits, image, instance string) sandbox.Spec {
	return sandbox.Spec{
		Image:    image,
		Instance: instance,
		Deadline: time.Now().Add(2 * time.Minute),
		Runtime:  c.runtime,
		Limits:   l,
	}
}

// posture checks what a sandbox is from inside.
func (c *checkup) posture(ctx context.Context, e *sandbox.Engine, image string) {
	p, err := e.Posture(ctx, postureSpec(c.config, limitsOf(c.config, e.Info()), image, doctorInstance))
	if err != nil {
		c.add(essential, "posture", "cannot look at a sandbox: %v", err)
		return
	}
	for _, problem := range p.Problems {
		c.add(essential, "posture", "%s", problem)
	}
	if len(p.Problems) > 0 {
		return
	}
	text := "a sandbox is as promised: no privileges, no network, limits in force; kernel " + p.Kernel
	if len(p.Notes) > 0 {
		text += "; " + strings.Join(p.Notes, "; ")
	}
	c.add(fine, "posture", "%s", text)
}

// doctorInstance labels the container that the doctor looks at.
const doctorInstance = "doctor"
