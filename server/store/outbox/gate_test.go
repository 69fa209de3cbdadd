package outbox

import (
	"testing"
	"time"

	"vivarium/pipeline"
)

// TestADeadCredentialHoldsUpNoOthersPosts: with a GitHub App and a personal token there are two.
func TestADeadCredentialHoldsUpNoOthersPosts(t *testing.T) {
	var g Gate
	now := time.Unix(1000, 0)
	right, wait, _ := g.Enter("personal", now, UsualPace)
	if wait > 0 {
		t.Fatal("a gate that nobody closed is closed")
	}
	refused := &pipeline.RefusedError{Code: 401, Message: "Bad credentials"}
	if wait, _ := g.Leave(right, refused, now, UsualPace); wait != UsualPace.FirstProbe {
		t.Errorf("it is left alone for %s", wait)
	}
	if _, wait, why := g.Enter("personal", now, UsualPace); wait == 0 || why == nil {
		t.Error("control: the dead one may go on")
	}
	app, wait, _ := g.Enter("app", now, UsualPace)
	if wait > 0 {
		t.Errorf("another one waits for %s", wait)
	}
	if _, healed := g.Leave(app, nil, now, UsualPace); healed {
		t.Error("what was never dead is healed")
	}
	later := now.Add(UsualPace.FirstProbe)
	probe, wait, _ := g.Enter("personal", later, UsualPace)
	if wait > 0 {
		t.Fatalf("no probe after its pause, but in %s", wait)
	}
	if _, wait, _ := g.Enter("personal", later, UsualPace); wait == 0 {
		t.Error("two probes at once")
	}
	if _, healed := g.Leave(probe, nil, later, UsualPace); !healed {
		t.Error("a probe that succeeds heals nothing")
	}
	if _, wait, _ := g.Enter("personal", later, UsualPace); wait > 0 {
		t.Errorf("what works again waits for %s", wait)
	}
}
