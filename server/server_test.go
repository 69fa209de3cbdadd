package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vivarium/pipeline"
	"vivarium/server/store"
	"vivarium/server/store/queue"
)

func TestMain(m *testing.M) {
	if arguments := os.Getenv(issuedServer); arguments != "" {
		os.Exit(serveIssued(arguments))
	}
	goleak.VerifyTestMain(m)
}

const (
	secret  = "webhook-secret"
	testKey = "the operator's key of the tests"
)

// everyone are the patterns of all repositories in the tests.
var everyone = []string{"o/*", "octo/*", "octo-org/*", "octocat/*"}

// site is a server over a real store.
type site struct {
	*Server
	t     *testing.T
	store *store.Store
	http  *httptest.Server

	readyErr error
}

func newSite(t *testing.T, change ...func(*Config)) *site {
	t.Helper()
	return newSiteIn(t, t.TempDir(), change...)
}

// newSiteIn keeps its database in a folder.
func newSiteIn(t *testing.T, dir string, change ...func(*Config)) *site {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	builds, err := store.Open(t.Context(), store.Options{DataDir: dir, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, store: builds}
	c := Config{
		ServerURL: "https://git.example", WebhookSecret: secret, Repositories: everyone, PublicBuilds: true,
		Key: testKey, Version: "test", Log: log,
		Ready: func(context.Context) error { return s.readyErr },
	}
	for _, ch := range change {
		ch(&c)
	}
	s.Server, err = New(c, builds)
	if err != nil {
		t.Fatal(err)
	}
	s.http = httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		s.http.Close()
		http.DefaultClient.CloseIdleConnections()
		if err := builds.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// push queues a build of a repository.
func (s *site) push(repo string, private bool) int64 {
	s.t.Helper()
	n := strconv.FormatInt(time.Now().UnixNano(), 16)
	a, err := s.store.Queue.AcceptPush(s.t.Context(), queue.Push{
		GUID: n, BodyHash: n,
		Repo:   pipeline.Repository{ID: 1, FullName: repo, DefaultBranch: "main", Private: private},
		Ref:    "refs/heads/main",
		SHA:    strings.Repeat("0", 40-len(n)) + n,
		Author: "mona", Message: "Add a test",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return a.BuildID
}

// script is a build that does what a test says, one act at a time.
type script struct {
	t    *testing.T
	acts chan act
}

// act is one thing that a build does; an outcome from it ends the build.
type act struct {
	do   func(ctx context.Context, rec pipeline.Recorder) (*pipeline.Outcome, error)
	done chan error
}

// work makes the store work until the test's end, on builds that follow the script.
func (s *site) work() *script {
	s.t.Helper()
	sc, stop := s.workUntil()
	s.t.Cleanup(stop)
	return sc
}

// workUntil makes the store work until stop.
func (s *site) workUntil() (sc *script, stop func()) {
	s.t.Helper()
	sc = &script{t: s.t, acts: make(chan act)}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	ready := make(chan struct{})
	go func() {
		served <- s.store.Serve(ctx, store.Work{Workers: 1, Build: sc.build, LogLimit: 64 << 20,
			TargetURL: s.config.BuildURL}, func() {
			close(ready)
		})
	}()
	select {
	case <-ready:
	case err := <-served:
		cancel()
		s.t.Fatalf("store.Serve: %v", err)
	}
	return sc, func() {
		cancel()
		if err := <-served; err != nil && !errors.Is(err, context.Canceled) {
			s.t.Errorf("store.Serve: %v", err)
		}
	}
}

func (sc *script) build(ctx context.Context, _ pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
	for {
		select {
		case <-ctx.Done():
			return pipeline.Outcome{}, context.Cause(ctx)
		case a := <-sc.acts:
			out, err := a.do(ctx, rec)
			a.done <- err
			if out != nil {
				return *out, nil
			}
		}
	}
}

func (sc *script) act(do func(ctx context.Context, rec pipeline.Recorder) (*pipeline.Outcome, error)) {
	sc.t.Helper()
	a := act{do: do, done: make(chan error, 1)}
	select {
	case sc.acts <- a:
	case <-time.After(time.Minute):
		sc.t.Fatal("no build started within a minute")
	}
	if err := <-a.done; err != nil {
		sc.t.Fatal(err)
	}
}

func (sc *script) start(step pipeline.StepName) {
	sc.t.Helper()
	sc.act(func(ctx context.Context, rec pipeline.Recorder) (*pipeline.Outcome, error) {
		return nil, rec.StepStarted(ctx, pipeline.Step{Name: step, State: pipeline.StepRunning,
			Command: "run " + string(step), StartedAt: time.Now()})
	})
}

func (sc *script) write(step pipeline.StepName, stream pipeline.Stream, text string) {
	sc.t.Helper()
	sc.act(func(ctx context.Context, rec pipeline.Recorder) (*pipeline.Outcome, error) {
		return nil, rec.Output(ctx, step, stream, []byte(text))
	})
}

func (sc *script) stop(step pipeline.StepName, state pipeline.StepState, cause pipeline.Cause) {
	sc.t.Helper()
	sc.act(func(ctx context.Context, rec pipeline.Recorder) (*pipeline.Outcome, error) {
		code := 0
		if state != pipeline.StepPassed {
			code = 1
		}
		return nil, rec.StepEnded(ctx, pipeline.Step{
			Name: step, State: state, Cause: cause, Command: "run " + string(step), ExitCode: &code,
			StartedAt: time.Now().Add(-1500 * time.Millisecond), EndedAt: time.Now(), Note: "note of " + string(step),
		})
	})
}

func (sc *script) end(out pipeline.Outcome) {
	sc.t.Helper()
	sc.act(func(context.Context, pipeline.Recorder) (*pipeline.Outcome, error) { return &out, nil })
}

// ended waits until the store has the build's end.
func (s *site) ended(id int64) pipeline.Build {
	s.t.Helper()
	wake, stop := s.store.Logs.Watch(id)
	defer stop()
	for {
		b, err := s.store.Builds.Get(s.t.Context(), id)
		if err != nil {
			s.t.Fatal(err)
		}
		if b.State.Ended() {
			return b
		}
		select {
		case <-wake:
		case <-time.After(time.Minute):
			s.t.Fatalf("build %d is %s, and nothing came of it for a minute", id, b.State)
		}
	}
}

// built is a build that ran all its steps and passed. Nothing works on what is queued after it.
func (s *site) built(repo string, private bool) int64 {
	s.t.Helper()
	sc, stop := s.workUntil()
	defer stop()
	id := s.push(repo, private)
	for _, step := range pipeline.StepNames {
		sc.start(step)
		sc.write(step, pipeline.Stdout, "output of "+string(step)+"\n")
		sc.stop(step, pipeline.StepPassed, "")
	}
	sc.end(pipeline.Outcome{State: pipeline.Passed, Summary: "3 tests passed", Image: "python-3.11"})
	s.ended(id)
	return id
}

type answer struct {
	code   int
	header http.Header
	body   string
}

// get asks as a program on another machine does, unless headers or a peer say otherwise.
func (s *site) get(path string, change ...func(*http.Request)) answer {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	return s.do(r, change...)
}

func (s *site) do(r *http.Request, change ...func(*http.Request)) answer {
	s.t.Helper()
	for _, c := range change {
		c(r)
	}
	w := &recorder{ResponseRecorder: httptest.NewRecorder()}
	s.Handler().ServeHTTP(w, r)
	return answer{code: w.Code, header: w.Header(), body: w.Body.String()}
}

// recorder has deadlines, as connections have.
type recorder struct{ *httptest.ResponseRecorder }

func (recorder) SetReadDeadline(time.Time) error  { return nil }
func (recorder) SetWriteDeadline(time.Time) error { return nil }

func browser(r *http.Request) { r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8") }

func local(r *http.Request) { r.RemoteAddr, r.Host = "127.0.0.1:4000", "localhost:8001" }

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		t.Fatalf("the answer %q is not JSON: %v", a.body, err)
	}
	return out
}

// wantProblem checks an error's code, and that its body has the form of every error's.
func (a answer) wantProblem(t *testing.T, code int) {
	t.Helper()
	body := a.json(t)
	if a.code != code || body["success"] != false || body["message"] == "" || body["message"] == nil {
		t.Errorf("answered %d %s, want %d with success false and a message", a.code, a.body, code)
	}
}

// open starts a request to the real listener and gives the answer, whose body is closed when the
// test ends.
func (s *site) open(ctx context.Context, path string, header http.Header) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.http.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	resp, err := s.http.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { resp.Body.Close() })
	return resp
}
