package corpus

import (
	"context"
	"errors"
	"flag"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files of the repositories that are built as promised")

// fewest is how many repositories the corpus has at least.
const fewest = 80

// buildTimeout is for both builds of a repository.
const buildTimeout = 8 * time.Minute

// trees keeps the whole test run well below half an hour; `make corpus` builds all of them both ways.
var trees = flag.Int("trees", 6, "build one of so many repositories as a work tree, too; 1 is all of them")

// TestRepositoriesAreBuiltAsTheirAuthorsBuildThem: each repository of the corpus gets the verdict
// that is right for it, as a pushed commit and as a work tree.
func TestRepositoriesAreBuiltAsTheirAuthorsBuildThem(t *testing.T) {
	w := newWorld(t)
	defer w.stop(t)
	all := readRepositories(t, w.words)
	if len(all) < fewest {
		t.Errorf("the corpus holds %d repositories, and is to hold %d at least", len(all), fewest)
	}
	known := map[string]bool{}
	for _, r := range all {
		known[r.name] = true
	}
	notYet := readNotYet(t)
	for name := range notYet {
		if !known[name] {
			t.Errorf("%s is in the table of what is not right yet, and not in the corpus", name)
		}
	}
	begun := time.Now()
	t.Run("repository", func(t *testing.T) { // ends when all have ended
		for i, r := range all {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				w.check(t, &r, i%*trees == 0 || *update, notYet[r.name])
			})
		}
	})
	t.Logf("%d repositories took %s; %d of them are not right yet", len(all), time.Since(begun).Round(time.Second),
		len(notYet))
}

// check builds a repository, where asked also as a work tree, and judges. excuse is why it is not right
// yet; empty where it is to be.
func (w *world) check(t *testing.T, r *repository, asTree bool, excuse string) {
	t.Helper()
	pushed, wrong := w.problems(t, r, asTree)
	switch {
	case *update && len(wrong) == 0:
		if err := errors.Join(r.writeGolden(pushed.golden()), strike(r.name)); err != nil {
			t.Error(err)
		}
	case excuse != "" && r.golden != "":
		t.Errorf("it has a golden file, and stands in %s: take out the file or the line", notYetFile)
	case excuse != "" && len(wrong) == 0:
		t.Errorf("it is right now: -update takes it out of %s, and writes its golden file", notYetFile)
	case excuse != "":
		t.Logf("not right yet (%s): %s", excuse, strings.Join(wrong, "; "))
	case len(wrong) > 0:
		t.Errorf("%s\nThe log:\n%s", strings.Join(wrong, "\n"), pushed.log)
	case pushed.golden() != r.golden:
		t.Errorf("got\n%s\nwant\n%s\n(-update writes it)", pushed.golden(), r.golden)
	}
}

// problems builds a repository, and says what is not as promised.
func (w *world) problems(t *testing.T, r *repository, asTree bool) (pushed build, wrong []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), buildTimeout)
	defer cancel()
	pushed, err := w.pushed(ctx, r)
	if err != nil {
		return pushed, []string{"as a push it is not built: " + err.Error()}
	}
	wrong = r.promise.problems(pushed)
	if !asTree {
		return pushed, wrong
	}
	tree, err := w.run(ctx, t.TempDir(), r)
	if err != nil {
		return pushed, append(wrong, "as a work tree it is not built: "+err.Error())
	}
	if difference := differ(pushed, tree); difference != "" {
		wrong = append(wrong, difference)
	}
	return pushed, wrong
}

// differ says in what a work tree was built otherwise than the same commit pushed.
func differ(pushed, tree build) string {
	if got, want := tree.seen(), pushed.seen(); got != want {
		return "as a work tree it is built otherwise:\n" + got + "and pushed:\n" + want
	}
	return ""
}

func TestDifferenceBetweenPushAndTreeIsSeen(t *testing.T) {
	b := build{state: "passed", summary: "1 test in TIME", plan: "Plan\n  x\n", tests: "Ran 1 test in 0.1s\n\nOK\n"}
	if d := differ(b, b); d != "" {
		t.Error(d)
	}
	for name, change := range map[string]func(*build){
		"verdict": func(b *build) { b.state = "failed" },
		"plan":    func(b *build) { b.plan = "Plan\n  y\n" },
		"figures": func(b *build) { b.tests = "Ran 2 tests in 0.1s\n\nOK\n" },
	} {
		other := b
		change(&other)
		if differ(b, other) == "" {
			t.Errorf("%s: nothing was noticed", name)
		}
	}
}
