package testhistory

import (
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/environment"
	"vivarium/pipeline/results"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/environments"
	"vivarium/server/store/storetest"
	"vivarium/server/store/testruns"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var must = storetest.Must

func TestSinceWhichBuildATestFails(t *testing.T) {
	const unsure, redThough = '?', 'R' // R: it failed, and the build was cut off
	test := Key{Test: "t"}
	for name, c := range map[string]struct {
		builds string // in their order, numbered from 1: r it failed, g it did not; the last is looked at
		first  int64
		isNew  bool
	}{
		"the first build ever":         {"r", 0, false},
		"new":                          {"gr", 0, true},
		"for a while":                  {"grrr", 2, false},
		"from the beginning":           {"rrr", 1, false},
		"with a green one between":     {"rgrr", 3, false},
		"with one that is not sure":    {"gr?r", 2, false},
		"after one that is not sure":   {"g?r", 0, true},
		"nothing but what is unsure":   {"??r", 0, false},
		"it failed, and was cut off":   {"gRr", 2, false},
		"mended, and broken once more": {"rrgr", 0, true},
	} {
		var list []ran
		for i, kind := range c.builds {
			b := ran{ID: int64(i + 1), Unsure: kind == unsure || kind == redThough}
			if kind == 'r' || kind == redThough {
				b.Failed = map[Key]bool{test: true}
			}
			list = append(list, b)
		}
		if first, isNew := since(list, test); first != c.first || isNew != c.isNew {
			t.Errorf("%s: since build %d, new %v; want %d, %v", name, first, isNew, c.first, c.isNew)
		}
	}
}

func TestBuildsStandInTheOrderOfTheirPushes(t *testing.T) {
	list := []ran{{ID: 4, PushedAt: 20}, {ID: 3, PushedAt: 10}, {ID: 2, PushedAt: 20}, {ID: 1, PushedAt: 15}}
	inOrder(list)
	for i, want := range []int64{3, 1, 2, 4} {
		if list[i].ID != want {
			t.Errorf("place %d: build %d, want %d", i, list[i].ID, want)
		}
	}
}

func TestHistoryInWords(t *testing.T) {
	for want, h := range map[string]History{
		"":                       {},
		"new in this build":      {New: true},
		"failing since build 12": {Since: 12},
		"flaky: it passed in build 41 of the same commit": {Passed: 41, Flaky: true},
		"failing since build 12; it passed in build 41 of the same commit, which ran with something else": {
			Since: 12, Passed: 41,
		},
	} {
		if got := h.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if none, got := (History{}).Sentence(), (History{Since: 12}).Sentence(); none != "" ||
		got != "Failing since build 12." {
		t.Errorf("got %q and %q", none, got)
	}
}

// world is a database with builds of one branch.
type world struct {
	*Histories
	t *testing.T
}

func everyDatabase(t *testing.T, test func(w world)) {
	t.Helper()
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) { test(world{New(open()), t}) })
}

// add adds an ended build, with the tests that failed and those that passed.
func (w world) add(b builds.Row, failed, passed []string) pipeline.Build {
	w.t.Helper()
	if b.Repo == "" {
		b.Repo = "octo/hello"
	}
	if b.Ref == "" {
		b.Ref = "refs/heads/main"
	}
	if b.Trigger == "" {
		b.Trigger = pipeline.TriggerPush
	}
	b.Attempt, b.EndedAt, b.State = 1, 1, pipeline.Passed
	if len(failed) > 0 && b.Cause == "" {
		b.State, b.Cause = pipeline.Failed, pipeline.CauseTests
	}
	must(w.t, w.db.Transact(w.t.Context(), func(tx *database.Tx) error {
		if err := tx.Create(&b).Error; err != nil {
			return err
		}
		if len(failed)+len(passed) == 0 {
			return nil
		}
		runs := testruns.NewWriter(b.ID, 1)
		for _, id := range failed {
			runs.Add(results.Test{ID: id, Outcome: results.Failed})
		}
		for _, id := range passed {
			runs.Add(results.Test{ID: id, Outcome: results.Passed})
		}
		return runs.Put(tx, true)
	}))
	return b.Build()
}

// of is the history of a build's failing test "t".
func (w world) of(b pipeline.Build) History {
	w.t.Helper()
	failing, err := w.runs.Failing(w.t.Context(), b.ID, MostTests)
	must(w.t, err)
	all, err := w.Of(w.t.Context(), b, failing)
	must(w.t, err)
	return all[Key{Test: "t"}]
}

var t1, none = []string{"t"}, []string(nil)

func TestFailingSinceIsOfTheBranchAlone(t *testing.T) {
	everyDatabase(t, func(w world) {
		other := builds.Row{Ref: "refs/heads/dev", SHA: "x", PushedAt: 4}
		w.add(builds.Row{SHA: "a", PushedAt: 1}, none, t1)
		first := w.add(builds.Row{SHA: "b", PushedAt: 2}, t1, none)
		w.add(builds.Row{SHA: "c", PushedAt: 3, Cause: pipeline.CauseInstall}, none, none) // it ran no tests
		w.add(other, none, t1)
		w.add(builds.Row{Repo: "octo/other", SHA: "x", PushedAt: 5}, none, t1)
		w.add(builds.Row{SHA: "d", PushedAt: 6, Cause: pipeline.CauseTimeout}, none, []string{"another"})
		last := w.add(builds.Row{SHA: "e", PushedAt: 7}, t1, none)
		if got, want := w.of(last), (History{Since: first.ID}); got != want {
			w.t.Errorf("got %+v, want %+v", got, want)
		}
		if got := w.of(first); got != (History{New: true}) {
			w.t.Errorf("of the first that failed: %+v", got)
		}
	})
}

func TestOvertakenPushStandsWhereItWasMade(t *testing.T) {
	everyDatabase(t, func(w world) {
		w.add(builds.Row{SHA: "a", PushedAt: 1}, t1, none)
		last := w.add(builds.Row{SHA: "c", PushedAt: 3}, t1, none)
		w.add(builds.Row{SHA: "b", PushedAt: 2}, none, t1) // delivered late
		w.add(builds.Row{SHA: "d", PushedAt: 4}, none, t1) // and one that is later in fact
		if got := w.of(last); got != (History{New: true}) {
			w.t.Errorf("got %+v, want it new: the push before it was green", got)
		}
	})
}

func TestTestIsFlakyThatPassedForTheSameCommitWithTheSamePackages(t *testing.T) {
	with := func(w world, b pipeline.Build, version string) {
		must(w.t, w.db.Transact(w.t.Context(), func(tx *database.Tx) error {
			return environments.Keep(tx, builds.Row{ID: b.ID}, pipeline.Outcome{Environment: environment.Environment{
				Image: environment.Image{ID: "i"}, Listed: true,
				Packages: []environment.Package{{Name: "numpy", Version: version}},
			}})
		}))
	}
	everyDatabase(t, func(w world) {
		green := w.add(builds.Row{SHA: "a", PushedAt: 1}, none, t1)
		with(w, green, "1")
		w.add(builds.Row{SHA: "other", PushedAt: 2}, none, t1)
		red := w.add(builds.Row{SHA: "a", Trigger: pipeline.TriggerRerun}, t1, none)
		with(w, red, "1")
		if got := w.of(red); got != (History{New: true, Passed: green.ID, Flaky: true}) {
			w.t.Errorf("got %+v", got)
		}
		// With another version nobody can say so.
		red = w.add(builds.Row{SHA: "a", Ref: "refs/heads/dev", PushedAt: 3}, t1, none)
		with(w, red, "2")
		if got := w.of(red); got != (History{Passed: green.ID}) {
			w.t.Errorf("with another version: %+v", got)
		}
		// A fork's build says nothing of the base's.
		fork := w.add(builds.Row{SHA: "c", Ref: "refs/pull/1/head", Fork: true, PushedAt: 4}, none, t1)
		with(w, fork, "1")
		red = w.add(builds.Row{SHA: "c", Ref: "refs/heads/dev", PushedAt: 4}, t1, none)
		with(w, red, "1")
		if got := w.of(red); got.Passed != 0 || got.Flaky {
			w.t.Errorf("passed in a fork's build: %+v", got)
		}
		// It failed in both.
		red = w.add(builds.Row{SHA: "b", Ref: "refs/heads/dev", PushedAt: 4}, t1, none)
		again := w.add(builds.Row{SHA: "b", Ref: "refs/heads/dev", Trigger: pipeline.TriggerRerun}, t1, []string{"another"})
		if got := w.of(again); got.Passed != 0 || got.Since == 0 || got.Since > red.ID {
			w.t.Errorf("failed both times: %+v", got)
		}
	})
}

func TestPrivateBuildsAreNotNamedInPublicOnes(t *testing.T) {
	everyDatabase(t, func(w world) {
		w.add(builds.Row{SHA: "a", PushedAt: 1, Private: true}, none, t1)
		w.add(builds.Row{SHA: "b", PushedAt: 2, Private: true}, t1, none)
		public := w.add(builds.Row{SHA: "a", PushedAt: 3}, t1, none)
		if got := w.of(public); got != (History{}) {
			w.t.Errorf("got %+v", got)
		}
		private := w.add(builds.Row{SHA: "c", PushedAt: 4, Private: true}, t1, none)
		if got := w.of(private); got.Since == 0 {
			w.t.Errorf("control: a private build has no history: %+v", got)
		}
	})
}
