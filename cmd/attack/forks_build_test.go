package attack

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/sandbox/egress"
	"vivarium/sandbox/egress/egresstest"
	"vivarium/server/dispatch"
	"vivarium/server/registry"
	"vivarium/server/store"
	"vivarium/server/store/people"
)

// operatorsOwn is what the operator keeps for the base's own code.
const operatorsOwn = "canary-of-the-operator-7d20"

// testThat is a module with one test.
func testThat(does string) string {
	return "import unittest\n\n\nclass It(unittest.TestCase):\n    def test_it(self):\n        " + does + "\n"
}

// forkAttacks are what a fork's code does to get what is kept for the base's own. Each succeeds in a
// build of the base's own code.
var forkAttacks = map[string]struct {
	tried string
	fixed string // for the repository
	files map[string]string
}{
	"private-index": {
		tried: "a package that only the operator's index has",
		files: map[string]string{
			"requirements.txt": "inhouse\n",
			"test_it.py":       testThat("import inhouse\n        print(inhouse.WHOSE)"),
		},
	},
	"variables": {
		tried: "the variables that the operator fixes for the repository",
		fixed: "[env]\nCOURSE_KEY = '" + operatorsOwn + "'\n",
		files: map[string]string{
			"test_it.py": testThat("import os\n        print(os.environ)"),
		},
	},
	"overlay": {
		tried: "the operator's own tests, which stand in the checkout",
		fixed: "test = 'cat secret.py'\n[overlay]\nrepository = 'school/tests'\ncommit = 'OVERLAY'\n",
		files: map[string]string{"test_it.py": testThat("pass")},
	},
	"limits": {
		tried: "as much memory as the base's own code may use",
		files: map[string]string{
			"test_it.py": testThat("held = b'x' * (500 << 20)\n        print('" + operatorsOwn + "', len(held))"),
		},
	},
}

// forkDesk is the product's dispatcher over the product's pipeline: with an index of the operator's for
// the base's own code, and another one for that of forks.
func (w *world) forkDesk(t *testing.T) *dispatch.Dispatcher {
	t.Helper()
	public, err := egresstest.StartIndex(egresstest.IndexConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { public.Close() })
	if err := public.AddDir(egresstest.DebianWheels); err != nil {
		t.Fatal(err)
	}
	w.index.Add(egresstest.Wheel("inhouse", "1.0", map[string]string{"inhouse.py": "WHOSE = '" + operatorsOwn + "'\n"}))
	forks := *w.runner
	upstream, err := url.Parse(public.URL())
	if err != nil {
		t.Fatal(err)
	}
	if forks.Index, err = egress.NewIndex(egress.IndexConfig{
		Upstream: upstream, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	}); err != nil {
		t.Fatal(err)
	}
	kept, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	at, err := url.Parse(w.host.URL())
	if err != nil {
		t.Fatal(err)
	}
	settings := w.request(t, nil).Settings
	return &dispatch.Dispatcher{
		Run: w.runner.Run, Builds: kept, ServerURL: at, Tokens: pipeline.FixedToken(token), Settings: settings,
		Forks: dispatch.Forks{Run: forks.Run, Settings: dispatch.ForForks(settings, 0.5, w.host.URL())},
	}
}

// TestForksBuild builds commits of forks that were approved, and that look for what is kept for the
// base's own code. As the control, a build of the same commit as the base's own finds it.
func TestForksBuild(t *testing.T) {
	w := theWorld(t)
	shas, err := w.host.Commit(t.Context(), "school/tests",
		egresstest.Commit{Files: map[string]string{"secret.py": "print('" + operatorsOwn + "')\n"}})
	if err != nil {
		t.Fatal(err)
	}
	by := people.Actor{Who: "the suite"}
	for name, c := range sorted(forkAttacks) {
		attack(t, name, c.tried, func(t *testing.T, l *line) {
			d, repo := w.forkDesk(t), "base/"+name
			commits, err := w.host.Commit(t.Context(), repo, egresstest.Commit{Ref: "refs/pull/12/head", Files: c.files})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Builds.Entries.Add(t.Context(), by, registry.Repository, repo); err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(c.fixed, "OVERLAY", shas[0])
			if err := d.Builds.Entries.Fix(t.Context(), by, repo, text); err != nil {
				t.Fatal(err)
			}
			build := func(fork bool) (pipeline.Outcome, string) {
				rec := new(log)
				o, err := d.Build(t.Context(), pipeline.Build{
					ID: 1, Repo: pipeline.Repository{FullName: repo}, Ref: "refs/pull/12/head", SHA: commits[0], Pull: 12,
					Fork: fork, Attempt: 2,
				}, rec)
				if err != nil {
					t.Fatal(err)
				}
				return o, rec.String()
			}
			own, seen := build(false)
			if !strings.Contains(seen, operatorsOwn) {
				t.Fatalf("control: the base's own code does not find it: %s %s:\n%s", own.State, own.Summary, seen)
			}
			l.control = "a build of the base's own code finds it"
			o, seen := build(true)
			if strings.Contains(seen, operatorsOwn) || o.State == pipeline.Passed && name != "variables" {
				t.Errorf("a fork's found it: %s %s:\n%s", o.State, o.Summary, seen)
			}
			l.outcome = string(o.State) + ": " + o.Summary
		})
	}
}
