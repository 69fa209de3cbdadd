package verdict

import (
	"testing"
	"time"
)

func TestTipOfABranch(t *testing.T) {
	for name, c := range map[string]struct {
		pushes []Push // in the order of their arrival
		want   int64
	}{
		"one":                 {[]Push{{ID: 1, SHA: "a"}}, 1},
		"in order":            {[]Push{{ID: 1, SHA: "a"}, {ID: 2, BeforeSHA: "a", SHA: "b"}}, 2},
		"the older came last": {[]Push{{ID: 1, BeforeSHA: "a", SHA: "b"}, {ID: 2, SHA: "a"}}, 1},
		"the oldest and the middle one last": {
			[]Push{{ID: 1, BeforeSHA: "b", SHA: "c"}, {ID: 2, SHA: "a"}, {ID: 3, BeforeSHA: "a", SHA: "b"}},
			1,
		},
		"one between is missing": {[]Push{{ID: 1, SHA: "a"}, {ID: 2, BeforeSHA: "b", SHA: "c"}}, 2},
		"forced back": {
			[]Push{{ID: 1, SHA: "a"}, {ID: 2, BeforeSHA: "a", SHA: "b"}, {ID: 3, BeforeSHA: "b", SHA: "a"}},
			3,
		},
		"forced back, which came first": {
			[]Push{{ID: 1, BeforeSHA: "b", SHA: "a"}, {ID: 2, SHA: "a"}, {ID: 3, BeforeSHA: "a", SHA: "b"}},
			2,
		},
		"forced back by two": {
			[]Push{
				{ID: 1, SHA: "a"},
				{ID: 2, BeforeSHA: "c", SHA: "a"},
				{ID: 3, BeforeSHA: "b", SHA: "c"},
				{ID: 4, BeforeSHA: "a", SHA: "b"},
			},
			2,
		},
		"a circle": {
			[]Push{{ID: 1, BeforeSHA: "a", SHA: "b"}, {ID: 2, BeforeSHA: "b", SHA: "a"}},
			2,
		},
		"forced to where it never was": {[]Push{{ID: 1, BeforeSHA: "a", SHA: "x"}, {ID: 2, SHA: "a"}}, 1},
		"made anew":                    {[]Push{{ID: 1, SHA: "a"}, {ID: 2, SHA: "b"}}, 2},
		"not said":                     {[]Push{{ID: 1, SHA: "b"}, {ID: 2, SHA: "a"}}, 2},
		"twice": {
			[]Push{{ID: 1, BeforeSHA: "a", SHA: "b"}, {ID: 2, BeforeSHA: "a", SHA: "b"}, {ID: 3, SHA: "a"}},
			2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Tip(c.pushes)
			if want := c.pushes[c.want-1].SHA; got.SHA != want {
				t.Errorf("the tip is %s by push %d, want %s by %d", got.SHA, got.ID, want, c.want)
			}
		})
	}
}

func TestPushTimeIsGitHubsUnlessItCannotBe(t *testing.T) {
	now := time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct{ said, want time.Time }{
		"said":                {now.Add(-3 * 24 * time.Hour), now.Add(-3 * 24 * time.Hour)},
		"not said":            {time.Time{}, now},
		"GitHub's clock runs": {now.Add(time.Minute), now.Add(time.Minute)},
		"the far future":      {now.Add(time.Hour), now},
	} {
		if got := PushTime(c.said, now); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
