package outbox

import (
	"errors"
	"testing"
	"time"

	"vivarium/pipeline"
)

var badCredentials = &pipeline.RefusedError{Code: 401, Message: "Bad credentials"}

// TestADeadTokenIsTriedLessAndLess: after ten minutes it is still found within a minute that a
// token works again, and the probes stay below the 60 requests an hour that GitHub allows to the
// anonymous.
func TestADeadTokenIsTriedLessAndLess(t *testing.T) {
	var g Gate
	start := time.Unix(1_000_000, 0)
	g.Leave(Pass{credential: "a"}, badCredentials, start, UsualPace)
	var hours [3]int
	last := start
	for now := start; now.Sub(start) < 3*time.Hour; now = now.Add(time.Second) {
		right, wait, why := g.Enter("a", now, UsualPace)
		if wait > 0 {
			if !errors.Is(why, badCredentials) {
				t.Fatalf("waits for %v", why)
			}
			continue
		}
		if _, wait, _ := g.Enter("a", now, UsualPace); wait <= 0 {
			t.Fatal("two are tried at once")
		}
		g.Leave(right, badCredentials, now, UsualPace)
		if pause := now.Sub(last); now.Sub(start) <= 11*time.Minute && pause > 45*time.Second ||
			pause > 11*time.Minute {
			t.Errorf("after %s the pause is %s", now.Sub(start), pause)
		}
		last = now
		hours[int(now.Sub(start)/time.Hour)]++
	}
	if hours[0] > 50 || hours[0] < 20 || hours[1] > 12 || hours[2] > 10 {
		t.Errorf("tried %d times in the first three hours", hours)
	}
}

func TestAnotherTokenOpensTheGate(t *testing.T) {
	var g Gate
	now := time.Unix(1_000_000, 0)
	g.Leave(Pass{credential: "a"}, badCredentials, now, UsualPace)
	if _, wait, _ := g.Enter("a", now, UsualPace); wait <= 0 {
		t.Fatal("control: the dead token is tried again at once")
	}
	if right, wait, _ := g.Enter("b", now, UsualPace); wait > 0 || right.probe {
		t.Errorf("another token waits %s", wait)
	}
}

// TestAPostThatShowsTheTokenToWorkOpensTheGate: also when the post is refused for another reason.
func TestAPostThatShowsTheTokenToWorkOpensTheGate(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		open bool
	}{
		"taken":         {nil, true},
		"no permission": {&pipeline.RefusedError{Code: 403}, true},
		"still dead":    {badCredentials, false},
		"host in need":  {&pipeline.RetryError{Err: errors.New("502")}, false},
	} {
		var g Gate
		now := time.Unix(1_000_000, 0)
		g.Leave(Pass{credential: "a"}, badCredentials, now, UsualPace)
		now = now.Add(UsualPace.FirstProbe)
		right, wait, _ := g.Enter("a", now, UsualPace)
		if wait > 0 || !right.probe {
			t.Fatalf("no probe after %s", UsualPace.FirstProbe)
		}
		_, healed := g.Leave(right, c.err, now, UsualPace)
		_, wait, _ = g.Enter("a", now, UsualPace)
		if healed != c.open || (wait <= 0) != c.open {
			t.Errorf("%s: healed is %v, the next waits %s", name, healed, wait)
		}
	}
}

func TestOneLimitHoldsEverybody(t *testing.T) {
	var g Gate
	now := time.Unix(1_000_000, 0)
	g.Leave(Pass{}, &pipeline.RetryError{At: now.Add(time.Minute), Err: errors.New("limit")}, now, UsualPace)
	g.Leave(Pass{}, &pipeline.RetryError{At: now.Add(time.Second), Err: errors.New("an older limit")}, now, UsualPace)
	if _, wait, why := g.Enter("", now, UsualPace); wait != time.Minute || why.Error() != "limit" {
		t.Errorf("waits %s for %v", wait, why)
	}
	if _, wait, _ := g.Enter("", now.Add(time.Minute), UsualPace); wait > 0 {
		t.Errorf("waits %s after the limit", wait)
	}
}

func TestRefusalsAreTriedForADayWithGrowingPauses(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for _, c := range []struct {
		code          int
		failing       time.Duration
		least, most   time.Duration
		gone, toPlain bool
	}{
		{code: 403, least: time.Minute, most: 90 * time.Second},
		{code: 404, failing: 8 * time.Minute, least: 8 * time.Minute, most: 12 * time.Minute},
		{code: 403, failing: 23 * time.Hour, least: time.Hour, most: 90 * time.Minute},
		{code: 403, failing: 25 * time.Hour, gone: true},
		{code: 401, failing: 25 * time.Hour}, // the gate sets its pause
		{code: 422, toPlain: true},
		{code: 410, gone: true},
		{code: 301, gone: true},
	} {
		p := Judge(Tried{Failing: c.failing}, &pipeline.RefusedError{Code: c.code}, now, UsualPace)
		if p.Gone != c.gone || p.Plain != c.toPlain || p.Code != c.code || p.Retry < c.least || p.Retry > c.most {
			t.Errorf("%d for %s: got %+v", c.code, c.failing, p)
		}
	}
	if p := Judge(Tried{Plain: true}, &pipeline.RefusedError{Code: 422}, now, UsualPace); !p.Gone {
		t.Errorf("the second 422: got %+v", p)
	}
}
