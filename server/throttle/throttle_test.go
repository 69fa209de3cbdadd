package throttle

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var errWrong = errors.New("a wrong token")

func TestAnAttemptThatPanicsIsOver(t *testing.T) {
	th := New(errWrong, 1, time.Hour)
	func() {
		defer func() { _ = recover() }()
		_ = th.Attempt("192.0.2.1", func() error { panic("as a handler's may") })
	}()
	if err := th.Attempt("192.0.2.1", func() error { return nil }); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

func TestThrottleForgetsWhoNoLongerFails(t *testing.T) {
	fails := func(th *Throttle, client string) (refused bool) {
		_, refused = errors.AsType[*Error](th.Attempt(client, func() error { return errWrong }))
		return refused
	}
	th := New(errWrong, 1, time.Hour)
	th.room = 2
	for _, client := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
		if fails(th, client) {
			t.Fatalf("the first failure of %s is refused", client)
		}
	}
	if refused := fails(th, "192.0.2.4"); !refused || len(th.byNet) != 2 {
		t.Errorf("those beyond the room share a bound: refused %v, %d networks", refused, len(th.byNet))
	}
	for _, f := range th.byNet {
		f.limit.SetLimitAt(time.Now().Add(-time.Hour), 1e9) // as if time had passed
	}
	if refused := fails(th, "192.0.2.5"); refused || len(th.byNet) != 1 {
		t.Errorf("room is not made: refused %v, %d networks", refused, len(th.byNet))
	}
}

func TestEachHasABoundOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := Each{Burst: 2, Every: time.Minute}
		allowed := func(id int64, want ...bool) {
			t.Helper()
			for i, w := range want {
				if got := e.Allow(id); got != w {
					t.Errorf("%d, time %d: allowed %v, want %v", id, i+1, got, w)
				}
			}
		}
		allowed(1, true, true, false)
		allowed(2, true)
		time.Sleep(time.Minute)
		allowed(1, true, false)
	})
}
