package retry

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline/results"
)

func names(n int) (ids []string) {
	for i := range n {
		ids = append(ids, "test_"+strconv.Itoa(i))
	}
	return ids
}

// places are the places that a selection names.
func places(t *testing.T, selection string) (all []int) {
	t.Helper()
	for part := range strings.SplitSeq(selection, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, err := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		if err != nil || err2 != nil || a > b {
			t.Fatalf("%q is no selection", selection)
		}
		for i := a; i <= b; i++ {
			all = append(all, i)
		}
	}
	return all
}

// try searches with a suite in which the test at a place fails by this rule, and says how many tries
// that took.
func try(t *testing.T, size, at int, fails func(try int, before []int) bool) (results.Again, string, int) {
	t.Helper()
	ids := names(size)
	s := NewSearch(ids, Target{ids[at], at})
	for tries := 0; ; tries++ {
		selection, ok := s.Next()
		if !ok {
			again, after := s.Verdict()
			return again, after, tries
		}
		if tries > 40 {
			t.Fatal("it does not end")
		}
		ran := places(t, selection)
		if ran[len(ran)-1] != at {
			t.Fatalf("%q does not end with the test at %d", selection, at)
		}
		seen := Passed
		if fails(tries, ran[:len(ran)-1]) {
			seen = Failed
		}
		s.Took(seen)
	}
}

func TestSearchTellsWhyATestFails(t *testing.T) {
	for name, c := range map[string]struct {
		size, at int
		fails    func(try int, before []int) bool
		again    results.Again
		after    string
		tries    int
	}{
		"always":              {100, 50, func(int, []int) bool { return true }, results.Always, "", 1},
		"never again":         {100, 50, func(int, []int) bool { return false }, results.Flaky, "", 2},
		"the first of all":    {100, 0, func(int, []int) bool { return false }, results.Flaky, "", 1},
		"after the first":     {100, 64, after(0), results.Order, "test_0", 10},
		"after the last":      {100, 64, after(63), results.Order, "test_63", 10},
		"after the only one":  {2, 1, after(0), results.Order, "test_0", 4},
		"of 20,000":           {20000, 19999, after(1234), results.Order, "test_1234", 19},
		"after two together":  {100, 64, after(3, 40), results.Order, "", 10},
		"once more by chance": {100, 64, func(try int, _ []int) bool { return try == 1 }, results.Flaky, "", 10},
	} {
		again, after, tries := try(t, c.size, c.at, c.fails)
		if again != c.again || after != c.after || tries > c.tries {
			t.Errorf("%s: got %q, %q in %d tries; want %q, %q in %d at most", name, again, after, tries, c.again, c.after,
				c.tries)
		}
	}
}

// after makes a test fail when all of these ran before it.
func after(all ...int) func(int, []int) bool {
	return func(_ int, before []int) bool {
		for _, at := range all {
			if !slices.Contains(before, at) {
				return false
			}
		}
		return true
	}
}

func TestASearchThatSeesNothingSaysNothing(t *testing.T) {
	ids := names(10)
	for tries := range 3 {
		s := NewSearch(ids, Target{ids[8], 8})
		for range tries {
			s.Took([]Seen{Passed, Failed}[min(1, tries-1)])
		}
		s.Took(Nothing)
		if _, more := s.Next(); more {
			t.Errorf("after %d tries it goes on", tries)
		}
		if again, after := s.Verdict(); again == results.Order || after != "" {
			t.Errorf("after %d tries: %q, %q", tries, again, after)
		}
	}
	s := NewSearch(ids, Target{ids[8], 8})
	if again, _ := s.Verdict(); again != results.NotTried {
		t.Errorf("before any try: %q", again)
	}
}

func TestChosenAreTheFirstRedTestsOfAKnownPlace(t *testing.T) {
	planned := append(names(30), "twice", "twice")
	red := []results.Test{
		{ID: "test_3"}, {ID: "twice"}, {ID: "tests.T.setUpClass"}, {ID: "test_1", Sub: "(i=1)"},
		{ID: "test_1", Sub: "(i=2)"},
	}
	if got, want := Choose(planned, red), []Target{{"test_3", 3}, {"test_1", 1}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	red = nil
	for i := range 20 {
		red = append(red, results.Test{ID: fmt.Sprint("test_", i)})
	}
	if got := Choose(planned, red); len(got) != MostTests || got[9].At != 9 {
		t.Errorf("of 20 red tests it takes %v", got)
	}
}

func TestTimeIsAShareOfWhatIsLeft(t *testing.T) {
	for _, c := range []struct{ took, left, want time.Duration }{
		{time.Second, time.Hour, leastTime},
		{time.Minute, time.Hour, 2 * time.Minute},
		{time.Minute, time.Minute, 30 * time.Second},
		{time.Minute, -time.Second, 0},
	} {
		if got := Time(c.took, c.left); got != c.want {
			t.Errorf("after %s with %s left: got %s, want %s", c.took, c.left, got, c.want)
		}
	}
}
