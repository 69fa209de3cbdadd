package dispatch

import (
	"context"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/hosts"
	"vivarium/pipeline/limits"
	"vivarium/sandbox"
	"vivarium/server/registry"
	"vivarium/server/store"
	"vivarium/server/store/people"
)

var byTest = people.Actor{Who: "a test"}

// forkWorld builds what a test says, and notes which run it was given to.
type forkWorld struct {
	*Dispatcher
	t       *testing.T
	by      string // which run got it; empty: none did
	request pipeline.Request
}

func newForkWorld(t *testing.T) *forkWorld {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.Entries.Add(t.Context(), byTest, registry.Repository, "octo/hello"); err != nil {
		t.Fatal(err)
	}
	w := &forkWorld{t: t}
	run := func(name string) func(context.Context, pipeline.Request, pipeline.Recorder) (pipeline.Outcome, error) {
		return func(_ context.Context, q pipeline.Request, _ pipeline.Recorder) (pipeline.Outcome, error) {
			w.by, w.request = name, q
			return pipeline.Outcome{State: pipeline.Passed, Summary: "1 test"}, nil
		}
	}
	whole := pipeline.Settings{
		Limits: limits.Limits{
			Limits:  sandbox.Limits{Memory: 2 << 30, Disk: 2 << 30, FileSize: 2 << 30, CPUs: 2, Pids: 512, Inodes: 1 << 18},
			Timeout: time.Hour, LogLimit: 1 << 30,
		},
		GitHosts:   hosts.List{"https://git.internal:443", "https://git.example:443"},
		IndexHosts: hosts.List{"https://packages.internal:443"},
	}
	w.Dispatcher = &Dispatcher{
		Builds: s, ServerURL: &url.URL{Scheme: "https", Host: "git.example"}, Tokens: pipeline.FixedToken("tok"),
		Settings: whole, Run: run("the base's"),
		Forks: Forks{Run: run("the forks'"), Settings: ForForks(whole, 0.5, "https://git.example:443")},
	}
	return w
}

// build builds one of octo/hello, for which text is fixed.
func (w *forkWorld) build(fork bool, text string) pipeline.Outcome {
	w.t.Helper()
	if err := w.Builds.Entries.Fix(w.t.Context(), byTest, "octo/hello", text); err != nil {
		w.t.Fatal(err)
	}
	w.by, w.request = "", pipeline.Request{}
	o, err := w.Build(w.t.Context(), pipeline.Build{
		Repo: pipeline.Repository{FullName: "octo/hello"}, SHA: strings.Repeat("a", 40), Attempt: 2, Fork: fork,
	}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// TestAForksCodeIsBuiltApart: by a run of its own, with lower limits and without the hosts that the
// operator lists. As the control, the base's own code gets them.
func TestAForksCodeIsBuiltApart(t *testing.T) {
	w := newForkWorld(t)
	w.build(true, "")
	l := w.request.Settings.Limits
	if w.by != "the forks'" || l.Memory != 1<<30 || l.Timeout != 30*time.Minute || l.CPUs != 1 ||
		len(w.request.Settings.IndexHosts) != 0 ||
		!reflect.DeepEqual(w.request.Settings.GitHosts, hosts.List{"https://git.example:443"}) ||
		!strings.Contains(w.request.Title, "The code of a fork") {
		t.Errorf("a fork's: %s run, %+v", w.by, w.request)
	}
	w.build(false, "")
	if w.by != "the base's" || !reflect.DeepEqual(w.request.Settings, w.Settings) ||
		strings.Contains(w.request.Title, "fork") {
		t.Errorf("control: the base's own: %s run, %+v", w.by, w.request)
	}
}

// TestAForkGetsNeitherTheOperatorsVariablesNorFiles: where those files would decide, it is not built.
func TestAForkGetsNeitherTheOperatorsVariablesNorFiles(t *testing.T) {
	w := newForkWorld(t)
	const env = "test = 'make check'\n[env]\nKEY = 'hunter2'\n"
	w.build(true, env)
	if got := w.request.Fixed; len(got.Settings["env"].(map[string]any)) != 0 || !got.Fixes("env") ||
		got.Settings["test"] != "make check" {
		t.Errorf("a fork's build got %+v", got)
	}
	if w.build(false, env); w.request.Fixed.Settings["env"].(map[string]any)["KEY"] != "hunter2" {
		t.Errorf("control: the base's own got %+v", w.request.Fixed)
	}
	overlay := "[overlay]\nrepository = 'school/tests'\ncommit = '" + strings.Repeat("b", 40) + "'\n"
	o := w.build(true, overlay)
	if w.by != "" || o.State != pipeline.Errored || !strings.Contains(o.Summary, "the code of a fork gets none") {
		t.Errorf("with an overlay: %s run, %+v", w.by, o)
	}
	if w.build(false, overlay); w.request.Overlay.Repo != "school/tests" {
		t.Errorf("control: the base's own got %+v", w.request.Overlay)
	}
}

func TestAForksImageIsNoGuessForTheBase(t *testing.T) {
	own := pipeline.Build{Repo: pipeline.Repository{DefaultBranch: "main"}, Ref: "refs/pull/1/head"}
	fork := own
	fork.Fork = true
	strangers := pipeline.Build{Ref: own.Ref, Fork: true, Image: "python-3.12"}
	main := pipeline.Build{Ref: "refs/heads/main", Image: "python-3.10"}
	for _, c := range []struct {
		of   pipeline.Build
		want string
	}{{own, "python-3.10"}, {fork, "python-3.12"}} {
		if got := guessImage(c.of, []pipeline.Build{strangers, main}); got != c.want {
			t.Errorf("fork %v: guessed %q, want %q", c.of.Fork, got, c.want)
		}
	}
}
