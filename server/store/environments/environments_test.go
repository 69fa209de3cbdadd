package environments

import (
	"slices"
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/environment"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var must = storetest.Must

// everyDatabase runs a test on each kind of database.
func everyDatabase(t *testing.T, test func(t *testing.T, s *Environments)) {
	t.Helper()
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) { test(t, New(open())) })
}

// ended adds builds as they ended, in order, of one repository with default branch main, and what
// each ran with, and returns the last.
func ended(t *testing.T, s *Environments, rows ...builds.Row) (last pipeline.Build) {
	t.Helper()
	for _, b := range rows {
		if b.Repo == "" {
			b.Repo = "octo/hello"
		}
		if b.Ref == "" {
			b.Ref = "refs/heads/main"
		}
		b.DefaultBranch = "main"
		if b.State.Ended() {
			b.EndedAt = 1
		}
		if b.State == pipeline.Failed || b.State == pipeline.Errored || b.State == pipeline.Canceled {
			b.Cause = "some"
		}
		must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error { return tx.Create(&b).Error }))
		last = b.Build()
	}
	return last
}

func TestGreenBuildIsThatOfTheCommitThenOfTheBranchThenOfTheDefaultBranch(t *testing.T) {
	const passed, failed = pipeline.Passed, pipeline.Failed
	main := func(sha string, state pipeline.State) builds.Row { return builds.Row{SHA: sha, State: state} }
	on := func(branch string, b builds.Row) builds.Row {
		b.Ref = pipeline.BranchRef(branch)
		return b
	}
	private := func(b builds.Row) builds.Row {
		b.Private = true
		return b
	}
	everyDatabase(t, func(t *testing.T, s *Environments) {
		for name, c := range map[string]struct {
			builds []builds.Row // the last is the one that failed
			want   int          // which of them, from 1; 0 for none
		}{
			"the first build ever": {[]builds.Row{main("a", failed)}, 0},
			"none was green":       {[]builds.Row{main("a", failed), main("b", failed)}, 0},
			"the last green of the branch": {
				[]builds.Row{main("a", passed), main("b", passed), main("c", failed)},
				2,
			},
			"red, canceled and errored ones between": {
				[]builds.Row{
					main("a", passed), main("b", failed), main("c", pipeline.Canceled), main("d", pipeline.Errored),
					main("e", pipeline.Running), main("f", failed),
				},
				1,
			},
			"the same commit, though another was green since": {
				[]builds.Row{main("a", passed), main("b", passed), main("a", failed)},
				1,
			},
			"the same commit of another branch": {
				[]builds.Row{on("dev", main("a", passed)), main("b", passed), main("a", failed)},
				1,
			},
			"a new branch": {
				[]builds.Row{main("a", passed), on("other", main("b", passed)), on("dev", main("c", failed))},
				1,
			},
			"a branch of its own": {
				[]builds.Row{on("dev", main("a", passed)), main("b", passed), on("dev", main("c", failed))},
				1,
			},
			"a tag": {
				[]builds.Row{main("a", passed), {Ref: "refs/tags/v1", SHA: "b", State: failed}},
				1,
			},
			"another repository": {
				[]builds.Row{{Repo: "octo/other", SHA: "a", State: passed}, main("a", failed)},
				0,
			},
			"the repository in other letters": {
				[]builds.Row{{Repo: "Octo/Hello", SHA: "a", State: passed}, main("a", failed)},
				1,
			},
			"private then": {[]builds.Row{private(main("a", passed)), main("a", failed)}, 0},
			"private now":  {[]builds.Row{main("a", passed), private(main("a", failed))}, 1},
		} {
			must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error { return tx.Exec("DELETE FROM builds").Error }))
			last := ended(t, s, c.builds...)
			got, err := s.Green(t.Context(), last)
			if err != nil {
				t.Fatal(err)
			}
			want := int64(0)
			if c.want > 0 {
				want = last.ID - int64(len(c.builds)-c.want)
			}
			if id := idOf(got); id != want {
				t.Errorf("%s: build %d, want %d; the builds are %d to %d", name, id, want,
					last.ID-int64(len(c.builds))+1, last.ID)
			}
			if got != nil && got.SHA != c.builds[c.want-1].SHA {
				t.Errorf("%s: it built %s", name, got.SHA)
			}
		}
	})
}

func idOf(g *environment.Green) int64 {
	if g == nil {
		return 0
	}
	return g.Build
}

// TestLaterGreenBuildIsNone: a build is compared with what was before it.
func TestLaterGreenBuildIsNone(t *testing.T) {
	everyDatabase(t, func(t *testing.T, s *Environments) {
		first := ended(t, s, builds.Row{SHA: "a", State: pipeline.Failed})
		ended(t, s, builds.Row{SHA: "a", State: pipeline.Passed})
		if got, err := s.Green(t.Context(), first); got != nil || err != nil {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

var ran = environment.Environment{
	Tree: "7ee", Image: environment.Image{Name: "python-3.11", ID: "sha256:1", Python: "3.11.2"}, Listed: true,
	Packages: []environment.Package{{Name: "numpy", Version: "2.3.1"}, {Name: "six"}}, Plan: "Plan\n  é\n",
}

func keep(t *testing.T, s *Environments, b pipeline.Build, o pipeline.Outcome) {
	t.Helper()
	must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error { return Keep(tx, builds.Row{ID: b.ID}, o) }))
}

func TestEnvironmentComesBackAsItWasKept(t *testing.T) {
	none, bare := ran, environment.Environment{}
	none.Listed, none.Packages = false, nil
	empty := none
	empty.Listed = true
	everyDatabase(t, func(t *testing.T, s *Environments) {
		for name, want := range map[string]environment.Environment{
			"whole": ran, "packages not known": none, "no packages": empty, "nothing": bare,
		} {
			b := ended(t, s, builds.Row{SHA: "a", State: pipeline.Passed})
			keep(t, s, b, pipeline.Outcome{Environment: want})
			got, err := s.Of(t.Context(), b.ID)
			if err != nil || !slices.Equal(got.Packages, want.Packages) || got.Listed != want.Listed ||
				got.Image != want.Image || got.Plan != want.Plan || got.Tree != want.Tree {
				t.Errorf("%s: got %+v, %v; want %+v", name, got, err, want)
			}
		}
	})
}

func TestFailedBuildTellsWhatDiffersFromTheGreenOne(t *testing.T) {
	everyDatabase(t, func(t *testing.T, s *Environments) {
		green := ended(t, s, builds.Row{SHA: "a", State: pipeline.Passed})
		keep(t, s, green, pipeline.Outcome{Environment: ran})
		now := ran
		now.Packages = []environment.Package{{Name: "numpy", Version: "2.4.0"}, {Name: "six"}}
		red := ended(t, s, builds.Row{SHA: "a", State: pipeline.Failed})
		keep(t, s, red, pipeline.Outcome{Environment: now, Green: green.ID})
		d, err := s.Since(t.Context(), red)
		if err != nil || d == nil || !d.SameCode || d.Build != green.ID || len(d.Changed) != 1 ||
			d.Changed[0].String() != "numpy 2.3.1 → 2.4.0" {
			t.Errorf("got %+v, %v", d, err)
		}
		for name, b := range map[string]pipeline.Build{
			"a green one":       green,
			"with no green one": ended(t, s, builds.Row{SHA: "b", State: pipeline.Failed}),
		} {
			if d, err := s.Since(t.Context(), b); d != nil || err != nil {
				t.Errorf("%s: got %+v, %v", name, d, err)
			}
		}
		must(t, s.db.Transact(t.Context(), func(tx *database.Tx) error {
			return tx.Delete(&builds.Row{}, green.ID).Error
		}))
		if d, err := s.Since(t.Context(), red); d != nil || err != nil {
			t.Errorf("of a green build that is gone: %+v, %v", d, err)
		}
		var left int64
		must(t, s.db.Read(t.Context()).Table("environments").Where("build_id = ?", green.ID).Count(&left).Error)
		if left != 0 {
			t.Error("an environment outlives its build")
		}
	})
}

// TestGreenBuildIsFoundByAnIndex: with a hundred thousand builds it must cost no more than with ten.
func TestGreenBuildIsFoundByAnIndex(t *testing.T) {
	db := databasetest.SQLite(t)
	var plan []struct{ Detail string }
	must(t, db.Read(t.Context()).Raw("EXPLAIN QUERY PLAN SELECT id, sha FROM builds WHERE (lower(repo) = 'x' AND ref = "+
		"'y') AND "+
		"(ended_at > 0 AND cause = '' AND id < 7) AND NOT private ORDER BY id DESC LIMIT 1").Scan(&plan).Error)
	if len(plan) != 1 || plan[0].Detail != "SEARCH builds USING INDEX builds_ended (<expr>=? AND ref=? AND id<?)" {
		t.Errorf("the plan is %+v", plan)
	}
}

// TestAForksBuildIsNoGreenOneOfTheBase: not even of the same commit; nor is the base's one of a fork.
func TestAForksBuildIsNoGreenOneOfTheBase(t *testing.T) {
	everyDatabase(t, func(t *testing.T, s *Environments) {
		own := ended(t, s, builds.Row{SHA: "a", State: pipeline.Passed})
		fork := ended(t, s, builds.Row{SHA: "b", State: pipeline.Passed, Fork: true, Ref: "refs/pull/1/head"})
		last := ended(t, s, builds.Row{SHA: "b", State: pipeline.Failed})
		lastFork := ended(t, s, builds.Row{SHA: "b", State: pipeline.Failed, Fork: true, Ref: "refs/pull/1/head"})
		stranger := ended(t, s, builds.Row{SHA: "a", State: pipeline.Failed, Fork: true, Ref: "refs/pull/2/head"})
		for b, want := range map[int64]int64{last.ID: own.ID, lastFork.ID: fork.ID, stranger.ID: 0} {
			of := map[int64]pipeline.Build{last.ID: last, lastFork.ID: lastFork, stranger.ID: stranger}[b]
			g, err := s.Green(t.Context(), of)
			if err != nil || idOf(g) != want {
				t.Errorf("build %d is compared with %d, %v; want %d", b, idOf(g), err, want)
			}
		}
	})
}
