package capacity

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vivarium/sandbox"
)

func TestSandboxBeginsWhereItFits(t *testing.T) {
	const gib = 1 << 30
	for name, c := range map[string]struct {
		usable, reserve, held int64
		others                sandbox.Others
		need                  int64
		want                  bool
	}{
		"the first":                   {12 * gib, 4 * gib, 0, sandbox.Others{}, 4 * gib, true},
		"up to the brim":              {12 * gib, 4 * gib, 8 * gib, sandbox.Others{}, 4 * gib, true},
		"a byte too much":             {12*gib - 1, 4 * gib, 8 * gib, sandbox.Others{}, 4 * gib, false},
		"one alone on a small engine": {1 * gib, 1 * gib, 0, sandbox.Others{}, 4 * gib, true},
		"a second on a small engine":  {1 * gib, 1 * gib, 4 * gib, sandbox.Others{}, 4 * gib, false},
		"beside another server's sandboxes": {
			12 * gib,
			4 * gib,
			4 * gib,
			sandbox.Others{Sandboxes: 4 * gib},
			4 * gib,
			true,
		},
		"sandboxes of others hold it all": {12 * gib, 4 * gib, 0, sandbox.Others{Sandboxes: 20 * gib}, 1, false},
		"other containers in the reserve": {
			12 * gib,
			4 * gib,
			8 * gib,
			sandbox.Others{Rest: 4 * gib},
			4 * gib,
			true,
		},
		"other containers beyond it": {
			12 * gib,
			4 * gib,
			8 * gib,
			sandbox.Others{Rest: 4*gib + 1},
			4 * gib,
			false,
		},
		"the first beside all of them": {
			12 * gib,
			4 * gib,
			0,
			sandbox.Others{Sandboxes: 4 * gib, Rest: 99 * gib},
			4 * gib,
			true,
		},
		"one alone beside others of all size": {12 * gib, 4 * gib, 0, sandbox.Others{Rest: 99 * gib}, 4 * gib, true},
	} {
		a := &Admission{need: c.need, usable: c.usable, reserve: c.reserve, held: c.held}
		if _, got := a.admit(c.others, 0); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestAdmissionWaitsUntilASandboxFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var theirs, told atomic.Int64
		a := &Admission{
			need:    4,
			usable:  8,
			freed:   make(chan struct{}),
			warn:    func(string, ...any) { told.Add(1) },
			answers: func(context.Context) {},
			others: func(context.Context) (sandbox.Others, error) {
				return sandbox.Others{Sandboxes: theirs.Load()}, nil
			},
		}
		first, second := a.Enter(t.Context()), a.Enter(t.Context())
		entered := make(chan func())
		enter := func() { entered <- a.Enter(t.Context()) }
		go enter()
		time.Sleep(10 * lookAgain)
		select {
		case <-entered:
			t.Fatal("a third was let in where two fit")
		default:
		}
		if told.Load() != 1 {
			t.Errorf("it was told %d times that builds wait, want once", told.Load())
		}
		first()
		first() // does nothing
		third := <-entered

		second()
		theirs.Store(8) // another server has taken the engine's memory meanwhile
		go enter()
		time.Sleep(10 * lookAgain)
		select {
		case <-entered:
			t.Fatal("one was let in beside another server's sandboxes")
		default:
		}
		theirs.Store(4)
		third()
		(<-entered)()
		if a.held != 0 {
			t.Errorf("%d are held in the end", a.held)
		}
	})
}

// TestSandboxesOfOthersHoldNoServerBackForEver: anybody who shares the engine can start one
// container after the other with a sandbox's label and a valid deadline.
func TestSandboxesOfOthersHoldNoServerBackForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &Admission{
			need:    4,
			usable:  8,
			freed:   make(chan struct{}),
			warn:    func(string, ...any) {},
			answers: func(context.Context) {},
			others:  func(context.Context) (sandbox.Others, error) { return sandbox.Others{Sandboxes: 8}, nil },
		}
		entered := make(chan func(), 2)
		for range 2 {
			go func() { entered <- a.Enter(t.Context()) }()
		}
		began := time.Now()
		time.Sleep(longestWait - lookAgain)
		if len(entered) > 0 {
			t.Fatal("control: a build does not wait for another server's sandbox")
		}
		time.Sleep(2 * lookAgain)
		if len(entered) != 1 {
			t.Fatalf("%d builds began after %s, want one beside all there are", len(entered), time.Since(began))
		}
		(<-entered)()
		(<-entered)() // has waited long enough
	})
}

// TestAContainerThatCannotBeLookedAtHoldsNoBuildBack: the engine itself has answered.
func TestAContainerThatCannotBeLookedAtHoldsNoBuildBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told, hung := 0, fmt.Errorf("container c: %w", context.DeadlineExceeded)
		o := sandbox.Others{Unseen: hung}
		var silent error
		a := &Admission{
			need:    1,
			usable:  8,
			freed:   make(chan struct{}),
			warn:    func(string, ...any) { told++ },
			answers: func(context.Context) {},
			others:  func(context.Context) (sandbox.Others, error) { return o, silent },
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for range 2 {
			a.Enter(ctx)()
		}
		if ctx.Err() != nil || told != 1 {
			t.Errorf("%v; told %d times that one is not counted, want once", ctx.Err(), told)
		}
		o.Unseen = nil
		a.Enter(ctx)()
		silent = hung
		a.Enter(ctx)()
		if ctx.Err() == nil || told != 2 {
			t.Errorf("control: where the list does not come: %v, told %d times in all, want twice", ctx.Err(), told)
		}
	})
}

func TestAdmissionEndsWithItsContext(t *testing.T) {
	a := &Admission{
		need:    4,
		usable:  4,
		freed:   make(chan struct{}),
		warn:    func(string, ...any) {},
		answers: func(context.Context) {},
		others:  func(context.Context) (sandbox.Others, error) { return sandbox.Others{}, nil },
	}
	defer a.Enter(t.Context())()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.Enter(ctx)()
	if a.held != 4 {
		t.Errorf("%d are held, want the first one's 4", a.held)
	}
}
