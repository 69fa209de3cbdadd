package testruns

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var must = storetest.Must

// everyDatabase runs a test on each kind of database, with a build of which an attempt runs.
func everyDatabase(t *testing.T, test func(t *testing.T, r *Runs, build int64)) {
	t.Helper()
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		db := open()
		test(t, New(db), running(t, db))
	})
}

func running(t *testing.T, db *database.DB) int64 {
	t.Helper()
	b := builds.Row{Repo: "octo/hello", State: pipeline.Running, Attempt: 1}
	must(t, db.Transact(t.Context(), func(tx *database.Tx) error { return tx.Create(&b).Error }))
	return b.ID
}

func put(t *testing.T, r *Runs, w *Writer, all bool, tests ...results.Test) {
	t.Helper()
	for _, one := range tests {
		w.Add(one)
	}
	must(t, r.db.Transact(t.Context(), func(tx *database.Tx) error { return w.Put(tx, all) }))
}

// read are the results that a query selects, without their numbers. These must be in order.
func read(t *testing.T, r *Runs, build int64, q Query) (list []results.Test) {
	t.Helper()
	last := q.After
	must(t, r.Each(t.Context(), build, q, func(one Result) bool {
		if one.Seq <= last {
			t.Errorf("number %d comes after %d", one.Seq, last)
		}
		last = one.Seq
		list = append(list, one.Test)
		return true
	}))
	return list
}

func sameTests(t *testing.T, got []results.Test, want ...results.Test) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d results, want %d", len(got), len(want))
	}
	for i := range want {
		if len(got[i].Asked) == 0 {
			got[i].Asked = nil
		}
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("result %d:\ngot  %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

// some are results of every kind, the third of which knows all that a result can.
func some() []results.Test {
	return []results.Test{
		{ID: "tests.test_a.A.test_1", Outcome: results.Passed, Duration: 1500 * time.Microsecond},
		{ID: "tests.test_a.A.test_2", Outcome: results.Skipped, Reason: "no display", Path: "tests/test_a.py", Line: 7},
		{
			ID:        "tests.test_a.A.test_3",
			Sub:       "(i=3)",
			Outcome:   results.Failed,
			Duration:  2 * time.Second,
			Reason:    "AssertionError: 90 != 100",
			Traceback: "Traceback (most recent call last):\n  größe\nAssertionError: 90 != 100\n",
			Output:    "it printed\n",
			Path:      "tests/test_a.py",
			Line:      31,
			At:        1234,
			Asked:     []results.Asked{{Kind: "host", Name: "example.org"}},
			Again:     results.Order,
			After:     "tests.test_a.A.test_1",
		},
		{ID: "tests.test_a.A.test_4", Outcome: results.Passed},
		{ID: "tests.test_a.A.test_5", Outcome: results.Error, Reason: "OSError: gone"},
		{ID: "tests.test_a.A.test_6", Outcome: results.ExpectedFailure},
		{ID: "tests.test_a.A.test_7", Outcome: results.UnexpectedSuccess},
		{ID: "tests.test_a.A.test_8", Outcome: results.Passed},
	}
}

func TestResultsAreReadAsTheyWereRecorded(t *testing.T) {
	everyDatabase(t, func(t *testing.T, r *Runs, build int64) {
		if _, ok, err := r.Counts(t.Context(), build); ok || err != nil {
			t.Errorf("a build without results has counts: %v, %v", ok, err)
		}
		w := NewWriter(build, 1)
		all := some()
		put(t, r, w, false, all[:4]...)
		put(t, r, w, true, all[4:6]...)
		put(t, r, w, true, all[6:]...)
		sameTests(t, read(t, r, build, Query{}), all...)
		sameTests(t, read(t, r, build, Query{After: 2}), all[2:]...)
		sameTests(t, read(t, r, build, Query{After: 3}), all[3:]...)
		sameTests(t, read(t, r, build, Query{After: 8}))
		sameTests(t, read(t, r, build, Query{Outcomes: []results.Outcome{results.Skipped, results.Error}}), all[1], all[4])
		failing, err := r.Failing(t.Context(), build, 2)
		must(t, err)
		sameTests(t, []results.Test{failing[0].Test, failing[1].Test}, all[2], all[4])
		first, err := r.List(t.Context(), build, Query{}, 3)
		if err != nil || len(first) != 3 || first[2].Seq != 3 {
			t.Errorf("the first three are %+v, %v", first, err)
		}
		counts, ok, err := r.Counts(t.Context(), build)
		want := Counts{Counts: results.Counts{
			Passed: 3, Failed: 1, Errors: 1, Skipped: 1, ExpectedFailures: 1, UnexpectedSuccesses: 1,
		}}
		if !ok || err != nil || counts != want || counts.Total() != 8 || counts.Red() != 3 {
			t.Errorf("counted %+v, %v, %v", counts, ok, err)
		}
	})
}

func TestOnlyTheNewestAttemptCounts(t *testing.T) {
	everyDatabase(t, func(t *testing.T, r *Runs, build int64) {
		put(t, r, NewWriter(build, 1), true, some()...)
		must(t, r.db.Transact(t.Context(), func(tx *database.Tx) error {
			return tx.Model(&builds.Row{}).Where("id = ?", build).Update("attempt", 2).Error
		}))
		if _, ok, err := r.Counts(t.Context(), build); ok || err != nil {
			t.Errorf("the first attempt's results count: %v", err)
		}
		sameTests(t, read(t, r, build, Query{}))
		put(t, r, NewWriter(build, 2), true, some()[4])
		sameTests(t, read(t, r, build, Query{}), some()[4])
	})
}

func TestLaterResultOfATestReplacesItsEarlierOne(t *testing.T) {
	everyDatabase(t, func(t *testing.T, r *Runs, build int64) {
		w := NewWriter(build, 1)
		all := some()
		put(t, r, w, true, all...)
		// What trying again showed is added to what is known.
		tried := results.Test{ID: all[4].ID, Outcome: results.Error, At: 99, Again: results.Flaky}
		want := all[4]
		want.Again = results.Flaky
		// A test that had passed fails in its tear-down.
		late := results.Test{ID: all[3].ID, Outcome: results.Error, Reason: "in tearDown", At: 7}
		// A red one stays red, and only what is new of a green one is lost.
		green := results.Test{ID: all[2].ID, Sub: all[2].Sub, Outcome: results.Passed}
		put(t, r, w, true, tried, late, green, results.Test{ID: all[0].ID, Outcome: results.Skipped})
		sameTests(t, read(t, r, build, Query{}), all[0], all[1], all[2], late, want, all[5], all[6], all[7])
		counts, _, err := r.Counts(t.Context(), build)
		if err != nil || counts.Passed != 2 || counts.Errors != 2 || counts.Total() != 8 {
			t.Errorf("counted %+v, %v", counts, err)
		}
	})
}

// TestTestsOfOneNameInTwoRunsAreTwo: lesson1/test_x.py and lesson2/test_x.py are one name in two runs.
func TestTestsOfOneNameInTwoRunsAreTwo(t *testing.T) {
	everyDatabase(t, func(t *testing.T, r *Runs, build int64) {
		w := NewWriter(build, 1)
		red := results.Test{ID: "test_x.T.test_a", Outcome: results.Failed, Reason: "1 != 2", Path: "lesson1/test_x.py"}
		other, green := red, results.Test{ID: red.ID, Outcome: results.Passed, Run: 2}
		other.Run, other.Reason, other.Path = 1, "3 != 4", "lesson2/test_x.py"
		tried := other // which replaces its own run's
		tried.Again = results.Flaky
		put(t, r, w, true, red, other, green, tried)
		tried.Run, green.Run = 0, 0 // which are not stored
		sameTests(t, read(t, r, build, Query{}), red, tried, green)
		counts, _, err := r.Counts(t.Context(), build)
		if err != nil || counts.Failed != 2 || counts.Passed != 1 {
			t.Errorf("counted %+v, %v", counts, err)
		}
	})
}

func TestNoTextOfATestBreaksItsReader(t *testing.T) {
	everyDatabase(t, func(t *testing.T, r *Runs, build int64) {
		evil := "a\x00b\xff\x1b[2Jc\u202e\r\nd"
		long := strings.Repeat("größe", 100_000)
		put(t, r, NewWriter(build, 1), true,
			results.Test{ID: evil, Sub: evil, Outcome: results.Failed, Reason: evil, Traceback: evil, Output: evil, Path: evil},
			results.Test{ID: evil + "2", Outcome: results.Passed, Reason: evil},
			results.Test{ID: long, Outcome: results.Failed, Reason: long, Traceback: long + "the end", Output: long},
			results.Test{ID: "x", Outcome: "no such outcome"},
		)
		list := read(t, r, build, Query{})
		if len(list) != 3 {
			t.Fatalf("%d results", len(list))
		}
		for _, one := range list {
			for _, text := range []string{one.ID, one.Sub, one.Reason, one.Path} {
				if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b\r\n\u202e") || len(text) > 2100 {
					t.Errorf("kept %d bytes: %.60q", len(text), text)
				}
			}
			for _, text := range []string{one.Traceback, one.Output} {
				if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b\r\u202e") || len(text) > 33<<10 {
					t.Errorf("kept %d bytes: %.60q", len(text), text)
				}
			}
		}
		if !strings.HasSuffix(list[2].Traceback, "the end") {
			t.Error("the end of a long traceback is lost")
		}
	})
}

func TestManyResultsAreBoundedAndCounted(t *testing.T) {
	r := New(databasetest.SQLite(t))
	build := running(t, r.db)
	w := NewWriter(build, 1)
	const red, green = 1200, 100_000
	for i := range red + green {
		one := results.Test{ID: fmt.Sprintf("tests.test_many.Many.test_%d", i), Outcome: results.Passed}
		if i < red {
			one.Outcome, one.Traceback = results.Failed, strings.Repeat("x", 20_000)
		}
		w.Add(one)
		if i%10_000 == 0 {
			put(t, r, w, false)
		}
	}
	put(t, r, w, true)
	counts, _, err := r.Counts(t.Context(), build)
	must(t, err)
	if want := (Counts{Counts: results.Counts{Passed: green, Failed: red}, LeftOut: red}); counts != want {
		t.Errorf("counted %+v, want %+v", counts, want)
	}
	list := read(t, r, build, Query{})
	kept, details := 0, 0
	for _, one := range list {
		if one.Outcome == results.Failed {
			kept++
		}
		details += len(one.Traceback)
	}
	if len(list) != mostTests || kept != red || details > mostDetails || details < mostDetails-30_000 {
		t.Errorf("kept %d results, %d of them red, with %d bytes of details", len(list), kept, details)
	}
	var stored int64
	must(t, r.db.Read(t.Context()).Raw("SELECT sum(length(data)) FROM test_blocks").Scan(&stored).Error)
	if stored > 2<<20 {
		t.Errorf("%d results take %d bytes", green, stored)
	}
}
