package store

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/github"
	"vivarium/server/github/app"
	"vivarium/server/github/githubtest"
	"vivarium/server/registry"
	"vivarium/server/store/entries"
	"vivarium/server/store/people"
)

// appWorld is a stand-in for GitHub with an App, and a server that reports by its check runs.
type appWorld struct {
	*Store
	hub     *githubtest.Server
	keyFile string
	in      int64 // the installation
	end     chan struct{}
}

var appMay = map[string]string{"contents": "read", "statuses": "write", "checks": "write", "metadata": "read"}

func newAppWorld(t *testing.T) *appWorld {
	t.Helper()
	hub, err := githubtest.Start(githubtest.Options{})
	must(t, err)
	t.Cleanup(func() { hub.Close() })
	w := &appWorld{hub: hub, keyFile: filepath.Join(t.TempDir(), "app.pem"), end: make(chan struct{})}
	repo := push(0).Repo.FullName
	hub.AddRepo(repo)
	must(t, os.WriteFile(w.keyFile, w.newKey(t), 0o600))
	owner, _, _ := strings.Cut(repo, "/")
	w.in = hub.Apps().Install(owner, nil)
	tokens, err := app.New(app.Config{ID: 42, KeyFile: w.keyFile, APIURL: hub.URL(), Checks: true, Log: testLog(t)})
	must(t, err)
	t.Cleanup(tokens.Close)
	client, err := github.New(github.Config{APIURL: hub.URL(), Tokens: tokens})
	must(t, err)
	t.Cleanup(client.Close)
	w.Store = openStore(t, Options{DataDir: t.TempDir(), Log: testLog(t), Checks: true})
	_, err = w.Entries.Add(t.Context(), people.Actor{Who: "a test"}, registry.Repository, repo)
	must(t, err)
	must(t, entries.SetApp(t.Context(), w.Entries, registry.Entry{}, repo, true))
	serve(t, w.Store, Work{
		Workers: 4, Reporter: client, Checker: client, Credential: tokens.Fingerprint, StatusContext: "vivarium",
		Pace: quickPace, Build: w.build,
	})
	return w
}

// newKey gives the App another key, as GitHub knows it.
func (w *appWorld) newKey(t *testing.T) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	w.hub.Apps().Set(githubtest.App{ID: 42, Slug: "vivarium", Key: &key.PublicKey, Permissions: appMay})
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// build begins a step, and fails where its commit's number is odd, once the test lets it.
func (w *appWorld) build(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
	step := pipeline.Step{Name: pipeline.StepTest, State: pipeline.StepRunning, StartedAt: time.Now()}
	if err := rec.StepStarted(ctx, step); err != nil {
		return pipeline.Outcome{}, err
	}
	<-w.end
	step.State, step.EndedAt = pipeline.StepPassed, time.Now()
	o := pipeline.Outcome{State: pipeline.Passed, Summary: "1 test"}
	if b.ID%2 == 1 {
		step.State, step.Cause = pipeline.StepFailed, pipeline.CauseTests
		o = pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseTests, Summary: "test_a: 1 != 2"}
	}
	return o, rec.StepEnded(ctx, step)
}

// wantFinals waits until each build has its one check run, with its right end, and no status.
func (w *appWorld) wantFinals(t *testing.T, builds int) {
	t.Helper()
	eventually(t, "each end", func() bool {
		ended := map[string]bool{}
		for _, c := range w.hub.Apps().Checks() {
			ended[c.ExternalID] = ended[c.ExternalID] || c.Status == "completed"
		}
		return len(ended) == builds && !slices.Contains(slices.Collect(maps.Values(ended)), false)
	})
	seen := map[string]bool{}
	for _, c := range w.hub.Apps().Checks() {
		want := "success: passed: 1 test"
		if strings.ContainsAny(c.ExternalID[len(c.ExternalID)-1:], "13579") {
			want = "failure: test_a: 1 != 2"
		}
		if last := c.History[len(c.History)-1]; last != want || seen[c.ExternalID] || c.Name != "vivarium" {
			t.Errorf("build %s was told %v, and had a run before: %v", c.ExternalID, c.History, seen[c.ExternalID])
		}
		seen[c.ExternalID] = true
	}
	if n := len(w.hub.Statuses()); n > 0 {
		t.Errorf("%d statuses were set beside the runs", n)
	}
}

// TestARunNamesTheStepWhileItsBuildRuns: then its end, by one run.
func TestARunNamesTheStepWhileItsBuildRuns(t *testing.T) {
	w := newAppWorld(t)
	accept(t, w.Store, push(1))
	eventually(t, "the step", func() bool {
		all := w.hub.Apps().Checks()
		return len(all) == 1 && all[0].Status == "in_progress" && all[0].Title == "running: test"
	})
	close(w.end)
	w.wantFinals(t, 1)
}

// TestEveryEndIsToldOnceGitHubIsWellAgain: whatever was wrong while ten builds ran.
func TestEveryEndIsToldOnceGitHubIsWellAgain(t *testing.T) {
	badly := func(f githubtest.Fault) func() githubtest.Fault {
		return func() githubtest.Fault {
			if mathrand.N(3) == 0 {
				return githubtest.None()
			}
			return f
		}
	}
	each := func(f githubtest.Fault) func() githubtest.Fault { return func() githubtest.Fault { return f } }
	for name, trouble := range map[string]func(t *testing.T, w *appWorld) (mend func()){
		"its tokens are revoked": func(_ *testing.T, w *appWorld) func() {
			w.hub.Apps().RevokeTokens()
			return w.hub.Apps().RevokeTokens
		},
		"the key is replaced": func(t *testing.T, w *appWorld) func() {
			key := w.newKey(t)
			w.hub.Apps().RevokeTokens()
			return func() { must(t, os.WriteFile(w.keyFile, key, 0o600)) }
		},
		"it is away": func(_ *testing.T, w *appWorld) func() {
			w.hub.FailEach(each(githubtest.Drop()))
			return func() { w.hub.FailEach(nil) }
		},
		"it fails two times out of three": func(_ *testing.T, w *appWorld) func() {
			w.hub.FailEach(badly(githubtest.Refuse(502, "Server Error")))
			return func() { w.hub.FailEach(nil) }
		},
		"it does what is asked and says that it failed": func(_ *testing.T, w *appWorld) func() {
			w.hub.FailEach(badly(githubtest.AcceptAndRefuse(502)))
			return func() { w.hub.FailEach(nil) }
		},
		"the installation is suspended": func(_ *testing.T, w *appWorld) func() {
			w.hub.Apps().RevokeTokens()
			w.hub.Apps().Suspend(w.in, true)
			return func() { w.hub.Apps().Suspend(w.in, false) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newAppWorld(t)
			for i := range 5 {
				accept(t, w.Store, push(1+i))
			}
			eventually(t, "some are told of", func() bool { return len(w.hub.Apps().Checks()) >= 4 })
			mend := trouble(t, w)
			for i := range 5 {
				accept(t, w.Store, push(6+i))
			}
			close(w.end)
			for id := range 10 {
				id := int64(id + 1)
				eventually(t, fmt.Sprintf("build %d ends", id), func() bool {
					b, err := w.Builds.Get(t.Context(), id)
					return err == nil && b.State.Ended()
				})
			}
			mend()
			w.wantFinals(t, 10)
		})
	}
}
