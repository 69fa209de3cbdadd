package intake

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// TestAPanicFailsItsBatchAndNoOther: those who share it are answered, and so is who comes after.
func TestAPanicFailsItsBatchAndNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in Intake[int, int]
		begun, proceed := make(chan struct{}), make(chan struct{})
		all := func(_ context.Context, pushes []int) ([]int, error) {
			if pushes[0] == 0 {
				close(begun)
				<-proceed
				panic("kaboom")
			}
			return pushes, nil
		}
		accept := func(n int) (int, error) {
			return guarded(t, func() (int, error) { return in.Accept(t.Context(), n, all) })
		}
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, err := accept(0); err == nil || !strings.Contains(err.Error(), "kaboom") {
				t.Errorf("the one that panics got %v", err)
			}
		})
		<-begun
		for n := 1; n <= 3; n++ { // while that one is under way
			callers.Go(func() {
				if got, err := accept(n); got != n || err != nil {
					t.Errorf("push %d, which came meanwhile: got %d, %v", n, got, err)
				}
			})
		}
		synctest.Wait()
		close(proceed)
		callers.Wait()
		if got, err := accept(7); got != 7 || err != nil {
			t.Errorf("the next push: got %d, %v", got, err)
		}
	})
}

// TestWhoSharesABatchThatPanicsIsAnswered: they came while another one led.
func TestWhoSharesABatchThatPanicsIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in Intake[int, int]
		begun, proceed := make(chan struct{}), make(chan struct{})
		all := func(_ context.Context, pushes []int) ([]int, error) {
			if pushes[0] == 0 {
				close(begun)
				<-proceed
				return pushes, nil
			}
			panic("kaboom")
		}
		var callers sync.WaitGroup
		callers.Go(func() {
			if got, err := in.Accept(t.Context(), 0, all); got != 0 || err != nil {
				t.Errorf("control: got %d, %v", got, err)
			}
		})
		<-begun
		for n := 1; n <= 3; n++ {
			callers.Go(func() {
				if _, err := guarded(t, func() (int, error) { return in.Accept(t.Context(), n, all) }); err == nil {
					t.Errorf("push %d was accepted", n)
				}
			})
		}
		synctest.Wait()
		close(proceed)
		callers.Wait()
	})
}

// TestADeliveryThatFailsFailsNoOtherOfItsBatch: by an error or a panic, and wherever it stands in the
// batch.
func TestADeliveryThatFailsFailsNoOtherOfItsBatch(t *testing.T) {
	const bad = 2
	failures := map[string]func() error{
		"an error": func() error { return errors.New("kaboom") },
		"a panic":  func() error { panic("kaboom") },
	}
	for name, fail := range failures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var in Intake[int, int]
				begun, proceed := make(chan struct{}), make(chan struct{})
				var sizes []int
				all := func(_ context.Context, pushes []int) ([]int, error) {
					sizes = append(sizes, len(pushes))
					if pushes[0] == 0 {
						close(begun)
						<-proceed
					}
					if slices.Contains(pushes, bad) {
						return nil, fail()
					}
					return pushes, nil
				}
				var callers sync.WaitGroup
				accept := func(n int) {
					callers.Go(func() {
						got, err := in.Accept(t.Context(), n, all)
						switch {
						case n != bad && (got != n || err != nil):
							t.Errorf("push %d: got %d, %v", n, got, err)
						case n == bad && (err == nil || !strings.Contains(err.Error(), "kaboom")):
							t.Errorf("the one that fails got %v", err)
						}
					})
				}
				accept(0)
				<-begun
				for n := 1; n <= 4; n++ {
					accept(n)
				}
				synctest.Wait()
				close(proceed)
				callers.Wait()
				if !slices.Equal(sizes, []int{1, 4, 1, 1, 1, 1}) {
					t.Errorf("they came in batches of %v; want one of 4, and then each alone", sizes)
				}
			})
		})
	}
}

// TestABatchThatRunsOutOfTimeEndsAtOnce: there is no time left to try each alone.
func TestABatchThatRunsOutOfTimeEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in Intake[int, int]
		begun, proceed := make(chan struct{}), make(chan struct{})
		calls := 0
		all := func(ctx context.Context, pushes []int) ([]int, error) {
			if calls++; pushes[0] == 0 {
				close(begun)
				<-proceed
				return pushes, nil
			}
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}
		var callers sync.WaitGroup
		callers.Go(func() { _, _ = in.Accept(t.Context(), 0, all) })
		<-begun
		for n := 1; n <= 3; n++ {
			callers.Go(func() {
				if _, err := in.Accept(t.Context(), n, all); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("push %d: %v", n, err)
				}
			})
		}
		synctest.Wait()
		close(proceed)
		callers.Wait()
		if calls != 2 {
			t.Errorf("%d calls, want one for the first and one for the batch", calls)
		}
	})
}

// guarded reports a panic of f as the test's failure.
func guarded(t *testing.T, f func() (int, error)) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("it panicked: %v", p)
		}
	}()
	return f()
}
