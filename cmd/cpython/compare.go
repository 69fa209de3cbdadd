package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// The ways in which a test ends.
const (
	passed  = "passed"
	failed  = "failed"
	skipped = "skipped"
)

// result is how one test ended.
type result struct {
	Outcome string // empty where there was no such test
	Detail  string // of a failure, or why it was skipped
}

func (r result) String() string {
	if r.Outcome == "" {
		return "absent"
	}
	return r.Outcome
}

// results are those of one side, by the test's id.
type results map[string]result

// readResults reads what runner.py wrote. It is an error if the end is missing.
func readResults(r io.Reader) (results, error) {
	all := results{}
	for d := json.NewDecoder(r); ; {
		var line struct{ ID, Outcome, Detail string }
		switch err := d.Decode(&line); {
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("the tests ended early, after %d", len(all))
		case err != nil:
			return nil, fmt.Errorf("read the results: %w", err)
		case line.ID == "" && line.Outcome == "complete":
			return all, nil
		}
		// A failed test is reported once more for each of its parts, and by its clean-up: the first
		// failure stays.
		if all[line.ID].Outcome != failed {
			all[line.ID] = result{line.Outcome, line.Detail}
		}
	}
}

// ids are the tests of either side, sorted.
func ids(ours, theirs results) []string {
	all := maps.Clone(theirs)
	maps.Copy(all, ours)
	return slices.Sorted(maps.Keys(all))
}

// differing are the tests that did not end alike and are not on the list.
func differing(ours, theirs results, list []refusal) []string {
	return slices.DeleteFunc(ids(ours, theirs), func(id string) bool {
		_, listed := find(list, id)
		return listed || ours[id].Outcome == theirs[id].Outcome
	})
}

// judge compares both sides' results of a module. Only tests on the list may differ, and these must
// not pass in the sandbox. They need not pass outside: the kernel may lack what they need.
func judge(module string, ours, theirs results, list []refusal) verdict {
	v := verdict{alike: map[string]int{}, refused: map[string]int{}, ours: ours}
	found := map[refusal]bool{}
	for _, id := range ids(ours, theirs) {
		o, t := ours[id], theirs[id]
		r, listed := find(list, id)
		found[r] = true
		switch {
		case listed && o.Outcome == passed:
			v.problem("%s passed in the sandbox, but is on the list: %s", id, r.why)
		case listed:
			v.refused[fmt.Sprintf("%s: %s in the sandbox, %s outside: %s", strings.TrimSuffix(r.test, "."), o, t,
				r.why)]++
		case o.Outcome != t.Outcome:
			v.problem("%s: %s in the sandbox, %s outside\n%s", id, o, t, indent(o.Detail+"\n"+t.Detail))
		default:
			v.alike[o.Outcome]++
			if o.Outcome == failed {
				v.failed = append(v.failed, id)
			}
		}
	}
	for _, r := range list {
		if strings.HasPrefix(r.test, module+".") && !found[r] {
			v.problem("%s is on the list, but names no test", r.test)
		}
	}
	if v.alike[passed] == 0 {
		v.problem("%s: no test passed on both sides: nothing is shown", module)
	}
	return v
}
