package delivery_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"vivarium/server/github/githubtest/events"
)

// TestTheFilesOfAPushAreKnownOnlyWhereTheEventNamesAll: a push is left out by them.
func TestTheFilesOfAPushAreKnownOnlyWhereTheEventNamesAll(t *testing.T) {
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	commits := func(n int, last string) func(map[string]any) {
		return func(event map[string]any) {
			all := make([]any, n)
			for i := range all {
				all[i] = map[string]any{"id": last, "added": []string{fmt.Sprint("f", i)}, "removed": []string{},
					"modified": []string{}}
			}
			event["commits"] = all
		}
	}
	for name, c := range map[string]struct {
		push   events.Push
		change func(event map[string]any)
		want   []string
	}{
		"a push":         {events.Push{SHA: sha, Files: []string{"a.py", "b/c.md"}}, nil, []string{"a.py", "b/c.md"}},
		"three commits":  {events.Push{SHA: sha}, commits(3, sha), []string{"f0", "f1", "f2"}},
		"a new branch":   {events.Push{SHA: sha, Created: true}, nil, nil},
		"a forced push":  {events.Push{SHA: sha, Forced: true}, nil, nil},
		"no commits":     {events.Push{SHA: sha, NoCommits: true}, nil, nil},
		"too many files": {events.Push{SHA: sha, Files: many}, nil, nil},
		"cut at commits": {events.Push{SHA: sha}, commits(2048, sha), nil},
		"another head":   {events.Push{SHA: sha}, commits(1, strings.Repeat("b", 40)), nil},
		"no lists": {events.Push{SHA: sha}, func(event map[string]any) {
			delete(event["commits"].([]any)[0].(map[string]any), "removed")
		}, nil},
		"lists of something else": {events.Push{SHA: sha}, func(event map[string]any) {
			event["commits"].([]any)[0].(map[string]any)["removed"] = 7
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			body := c.push.Payload()
			if c.change != nil {
				var event map[string]any
				must(t, json.Unmarshal(body, &event))
				c.change(event)
				var err error
				body, err = json.Marshal(event)
				must(t, err)
			}
			d, err := deliver("push", body)
			if got := d.Changed(); err != nil || !slices.Equal(got, c.want) || (got == nil) != (c.want == nil) {
				t.Errorf("got %.80q, %v; want %.80q", got, err, c.want)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
