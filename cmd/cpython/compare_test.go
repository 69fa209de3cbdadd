package main

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSidesMayDifferInWhatIsOnTheListOnly(t *testing.T) {
	list := []refusal{{"test.m.Refused.", "sockets of a kind"}, {"test.m.C.one", "one call"}}
	base := func(more results) results {
		r := results{
			"test.m.C.plain":   {Outcome: passed},
			"test.m.Refused.a": {Outcome: skipped},
			"test.m.C.one":     {Outcome: failed},
		}
		for id, x := range more {
			r[id] = x
		}
		return r
	}
	outside := base(results{"test.m.Refused.a": {Outcome: passed}, "test.m.C.one": {Outcome: passed}})
	for name, tc := range map[string]struct {
		ours, theirs results
		problem      string // empty: none
	}{
		"listed tests are refused":     {base(nil), outside, ""},
		"the kernel lacks the sockets": {base(nil), base(nil), ""},
		"a listed test passes": {
			base(results{"test.m.Refused.a": {Outcome: passed}}),
			outside,
			"Refused.a passed in the sandbox, but is on the list: sockets",
		},
		"another test fails": {
			base(results{"test.m.C.plain": {Outcome: failed, Detail: "why"}, "test.m.C.x": {Outcome: passed}}),
			base(results{"test.m.C.x": {Outcome: passed}}),
			"C.plain: failed in the sandbox, passed outside\n    why",
		},
		"another test is skipped": {
			base(results{"test.m.C.x": {Outcome: skipped}}),
			base(results{"test.m.C.x": {Outcome: passed}}),
			"C.x: skipped in the sandbox, passed outside",
		},
		"another test passes only here": {
			base(results{"test.m.C.x": {Outcome: passed}}),
			base(results{"test.m.C.x": {Outcome: failed}}),
			"C.x: passed in the sandbox, failed outside",
		},
		"a test is missing in the sandbox": {
			base(nil),
			base(results{"test.m.C.x": {Outcome: passed}}),
			"C.x: absent in the sandbox, passed outside",
		},
		"both fail alike": {
			base(results{"test.m.C.x": {Outcome: failed}}),
			base(results{"test.m.C.x": {Outcome: failed}}),
			"",
		},
		"nothing passes": {results{"test.m.Refused.a": {}, "test.m.C.one": {}}, results{}, "nothing is shown"},
		"the list names no test": {
			results{"test.m.C.plain": {Outcome: passed}},
			results{"test.m.C.plain": {Outcome: passed}},
			"test.m.Refused. is on the list, but names no test",
		},
	} {
		v := judge("test.m", tc.ours, tc.theirs, list)
		got := strings.Join(v.problems, "\n")
		if tc.problem == "" && got != "" || !strings.Contains(got, tc.problem) ||
			(v.err() == nil) != (tc.problem == "") {
			t.Errorf("%s: problems %q, want %q", name, got, tc.problem)
		}
	}
}

func TestOnlyUnlistedDifferencesAreTriedAgain(t *testing.T) {
	ours := results{"a": {Outcome: failed}, "b": {Outcome: failed}, "c": {Outcome: passed}}
	theirs := results{"a": {Outcome: passed}, "b": {Outcome: passed}, "c": {Outcome: passed}, "d": {Outcome: skipped}}
	if got := strings.Join(differing(ours, theirs, []refusal{{test: "b"}}), " "); got != "a d" {
		t.Errorf("got %q, want a and d", got)
	}
}

func TestResultsOfTestsThatEndedEarlyAreRefused(t *testing.T) {
	const lines = `{"id": "a", "outcome": "failed", "detail": "part 1"}
{"id": "a", "outcome": "passed", "detail": ""}
`
	if _, err := readResults(strings.NewReader(lines)); err == nil {
		t.Error("results without an end were taken")
	}
	if _, err := readResults(strings.NewReader(lines + `{"id": `)); err == nil {
		t.Error("half a line was taken")
	}
	got, err := readResults(strings.NewReader(lines + `{"id": "", "outcome": "complete", "detail": ""}`))
	if err != nil || got["a"] != (result{failed, "part 1"}) {
		t.Errorf("got %v, %v; want the failure to stay", got, err)
	}
}

func TestEveryEntryOfTheListSaysWhy(t *testing.T) {
	for _, r := range refused {
		if r.why == "" || !strings.HasPrefix(r.test, "test.test_") {
			t.Errorf("%+v", r)
		}
	}
}

func TestSuiteIsPackedWithItsRunnerAndBelowItsPrefix(t *testing.T) {
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "data/a.py"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var names []string
	err := withSuite(folder, "workspace", func(r io.Reader) error {
		for entries := tar.NewReader(r); ; {
			h, err := entries.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if h.Uid != 10001 || h.Gid != 10001 {
				t.Errorf("%s belongs to %d:%d", h.Name, h.Uid, h.Gid)
			}
			names = append(names, h.Name)
		}
	})
	want := "workspace/ workspace/runner.py workspace/test/ workspace/test/data/ workspace/test/data/a.py"
	if got := strings.Join(names, " "); err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	given := errors.New("not taken")
	if err := withSuite(folder, "", func(io.Reader) error { return given }); err != given {
		t.Errorf("got %v, want the taker's error", err)
	}
}
