package retry

import (
	"context"
	"time"

	"vivarium/pipeline/results"
)

// Run runs the tests at some places (reporter.Selected), for so long at most, and says what became of
// one of them. Whatever goes wrong with it shows nothing.
type Run func(ctx context.Context, places, id string, most time.Duration) Seen

// Again tries red tests again until a time, and writes into red what that showed. tell is given the
// results of each test of which something was found out; its error ends the tries.
func Again(ctx context.Context, planned []string, red []results.Test, until time.Time, run Run,
	tell func([]results.Test) error,
) error {
	for _, target := range Choose(planned, red) {
		search := NewSearch(planned, target)
		for places, more := search.Next(); more; places, more = search.Next() {
			seen := Nothing
			if left := time.Until(until); left > 0 && ctx.Err() == nil {
				seen = run(ctx, places, target.ID, left)
			}
			search.Took(seen)
		}
		if changed := mark(red, target.ID, search); len(changed) > 0 {
			if err := tell(changed); err != nil {
				return err
			}
		}
	}
	return nil
}

// mark writes a verdict into all results of a test, and returns these: its subtests are red too.
func mark(red []results.Test, id string, s *Search) (changed []results.Test) {
	again, after := s.Verdict()
	if again == results.NotTried {
		return nil
	}
	for i := range red {
		if r := &red[i]; r.ID == id {
			r.Again, r.After = again, after
			changed = append(changed, *r)
		}
	}
	return changed
}

// Of is what a result of a run shows; the worst of a test and its subtests counts.
func Of(o results.Outcome) Seen {
	switch {
	case o.Red():
		return Failed
	case o == results.Passed:
		return Passed
	}
	return Nothing
}

// OnlyFlaky reports whether every one of some red results is of a flaky test.
func OnlyFlaky(red []results.Test) bool {
	for _, t := range red {
		if t.Again != results.Flaky {
			return false
		}
	}
	return len(red) > 0
}
