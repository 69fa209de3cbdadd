package dispatch

import (
	"context"
	"log/slog"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/limits"
	"vivarium/server/registry"
	"vivarium/server/store"
	"vivarium/server/store/people"
)

func TestRequestFetchesFromTheConfiguredHostOnly(t *testing.T) {
	d := &Dispatcher{
		ServerURL: &url.URL{Scheme: "https", Host: "git.example"}, Tokens: pipeline.FixedToken("tok"),
		Settings:  pipeline.Settings{Limits: limits.Limits{Timeout: time.Minute, LogLimit: 5}, Runtime: "runsc", KeptLog: 6},
		Variables: func(b pipeline.Build) []string { return []string{"GITHUB_SHA=" + b.SHA} },
	}
	b := pipeline.Build{ID: 3, Repo: pipeline.Repository{FullName: "o/n"}, Ref: "refs/heads/dev", SHA: "abc",
		Attempt: 2}
	q, err := d.request(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	git := q.Source.(pipeline.Git)
	if git.URL.String() != "https://git.example/o/n.git" || git.SHA != "abc" || git.Repo != "o/n" ||
		git.Tokens != d.Tokens {
		t.Errorf("source = %+v", git)
	}
	if !slices.Equal(q.Variables, []string{"GITHUB_SHA=abc"}) {
		t.Errorf("its commands are told %q", q.Variables)
	}
	if !reflect.DeepEqual(q.Settings, d.Settings) {
		t.Errorf("request = %+v does not carry the settings", q)
	}
	if want := "Build 3: o/n refs/heads/dev at abc (attempt 2)"; q.Title != want {
		t.Errorf("title %q, want %q", q.Title, want)
	}
}

func TestLogSaysWhatABuildWaitedFor(t *testing.T) {
	for _, c := range []struct {
		waited time.Duration
		others int
		want   string
	}{
		{42*time.Second + 400*time.Millisecond, 0, "It waited 42 s in the queue"},
		{90 * time.Second, 1, "It waited 1 min 30 s in the queue, while 1 other build was started"},
		{time.Hour, 3, "It waited 1 h in the queue, while 3 other builds were started"},
		{time.Hour, mostStarted, "It waited 1 h in the queue, while 1000 other builds or more were started"},
	} {
		if got := waitedLine(c.waited, c.others); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestGuessedImageIsThatOfTheRefThenOfTheDefaultBranch(t *testing.T) {
	b := pipeline.Build{Repo: pipeline.Repository{DefaultBranch: "main"}, Ref: "refs/heads/dev"}
	dev := pipeline.Build{Ref: "refs/heads/dev", Image: "python-3.12"}
	unstarted := pipeline.Build{Ref: "refs/heads/dev"}
	main := pipeline.Build{Ref: "refs/heads/main", Image: "python-3.10"}
	other := pipeline.Build{Ref: "refs/heads/other", Image: "python-3.9"}
	for _, c := range []struct {
		name    string
		earlier []pipeline.Build
		want    string
	}{
		{"same ref, though the default branch was built later", []pipeline.Build{main, dev}, "python-3.12"},
		{"newest of the ref that got an image", []pipeline.Build{unstarted, dev}, "python-3.12"},
		{"default branch", []pipeline.Build{other, main}, "python-3.10"},
		{"neither", []pipeline.Build{other}, ""},
	} {
		if got := guessImage(b, c.earlier); got != c.want {
			t.Errorf("%s: guessed %q, want %q", c.name, got, c.want)
		}
	}
}

func TestBuildThatCannotBeClonedEndsInsteadOfComingBack(t *testing.T) {
	builds, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { builds.Close() })
	d := &Dispatcher{Builds: builds, ServerURL: &url.URL{Scheme: "https", Host: "git.example"},
		Run: func(context.Context, pipeline.Request, pipeline.Recorder) (pipeline.Outcome, error) {
			t.Error("the pipeline ran")
			return pipeline.Outcome{}, nil
		}}
	out, err := d.Build(t.Context(), pipeline.Build{Repo: pipeline.Repository{FullName: "../x"}}, nil)
	if err != nil || out.Cause != pipeline.CauseInternal || out.State != pipeline.Errored || out.Summary == "" {
		t.Errorf("got %+v, %v, want an outcome with cause internal", out, err)
	}
}

// TestWhatTheOperatorFixedGoesToTheRun: the overlay comes from the configured host, by its commit.
func TestWhatTheOperatorFixedGoesToTheRun(t *testing.T) {
	builds, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { builds.Close() })
	by := people.Actor{Who: "a test"}
	if _, err := builds.Entries.Add(t.Context(), by, registry.Pattern, "school/group-*"); err != nil {
		t.Fatal(err)
	}
	sha := strings.Repeat("a", 40)
	var got pipeline.Request
	d := &Dispatcher{
		Builds: builds, ServerURL: &url.URL{Scheme: "https", Host: "git.example"}, Tokens: pipeline.FixedToken("tok"),
		Run: func(_ context.Context, q pipeline.Request, _ pipeline.Recorder) (pipeline.Outcome, error) {
			got = q
			return pipeline.Outcome{State: pipeline.Passed, Summary: "1 test"}, nil
		},
	}
	build := func(text string) pipeline.Outcome {
		t.Helper()
		if err := builds.Entries.Fix(t.Context(), by, "school/group-*", text); err != nil {
			t.Fatal(err)
		}
		got = pipeline.Request{}
		b := pipeline.Build{Repo: pipeline.Repository{FullName: "school/group-7"}, SHA: "abc", Attempt: 2}
		o, err := d.Build(t.Context(), b, nil)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	build("test = 'make check'\n[overlay]\nrepository = 'school/tests'\ncommit = '" + sha + "'\n")
	if got.Fixed.Settings["test"] != "make check" || got.Overlay.URL.String() != "https://git.example/school/tests.git" ||
		got.Overlay.SHA != sha || got.Overlay.Repo != "school/tests" || got.Overlay.Tokens != d.Tokens {
		t.Errorf("got %+v, from %+v", got.Fixed, got.Overlay)
	}
	if build(""); !got.Fixed.Zero() || got.Overlay.URL != nil {
		t.Errorf("nothing is fixed, and got %+v, from %+v", got.Fixed, got.Overlay)
	}
	o := build("test = = 1")
	if o.Cause != pipeline.CauseInternal || !strings.Contains(o.Summary, "line 1, column 8") || got.Source != nil {
		t.Errorf("of what cannot be read: got %+v", o)
	}
}
