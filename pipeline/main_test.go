package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"go.uber.org/goleak"

	"vivarium/images"
	"vivarium/images/imagestest"
	"vivarium/pipeline"
	"vivarium/pipeline/limits"
	"vivarium/pipeline/results"
	"vivarium/sandbox"
	"vivarium/sandbox/egress"
	"vivarium/sandbox/egress/egresstest"
)

// world is what the builds of all tests share: one engine, one image, one git host and one index.
type world struct {
	runner *pipeline.Runner
	host   *egresstest.GitHost
	index  *egresstest.Index
	closes []func() error
}

// gitToken is the token that the git host demands and that no sandbox may ever hold.
const gitToken = "canary-5e1f0c9a7b"

var shared struct {
	sync.Once
	*world
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.world != nil {
		for _, closes := range shared.closes {
			if err := closes(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func theWorld(t *testing.T) *world {
	t.Helper()
	options := imagestest.Options(t)
	shared.Do(func() { shared.world, shared.err = newWorld(options) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.world
}

func newWorld(o images.Options) (*world, error) {
	ctx := context.Background()
	log := slog.New(slog.DiscardHandler)
	w := &world{runner: &pipeline.Runner{Instance: "vivarium-pipeline-test"}}
	var err error
	if w.runner.Engine, err = sandbox.Connect(ctx, log); err != nil {
		return nil, err
	}
	if w.runner.Images, err = images.Open(ctx, o); err != nil {
		return nil, err
	}
	if w.host, err = egresstest.StartGitHost(egresstest.GitHostConfig{Token: gitToken}); err != nil {
		return nil, err
	}
	if w.index, err = egresstest.StartIndex(egresstest.IndexConfig{}); err != nil {
		return nil, err
	}
	if err := addBuildTools(w.index); err != nil {
		return nil, err
	}
	w.index.Add(egresstest.Wheel("greeter", "1.0", map[string]string{"greeter.py": "WORD = 'hello'\n"}))
	upstream, err := url.Parse(w.index.URL())
	if err != nil {
		return nil, err
	}
	if w.runner.Index, err = egress.NewIndex(egress.IndexConfig{
		Upstream: upstream,
		Allow:    []netip.Prefix{loopback},
	}); err != nil {
		return nil, err
	}
	w.closes = []func() error{
		w.runner.Images.Close, w.runner.Engine.Close, w.host.Close, w.index.Close,
	}
	return w, nil
}

// loopback is where the index keeps its files.
var loopback = netip.MustParsePrefix("127.0.0.0/8")

func addBuildTools(x *egresstest.Index) error {
	if _, err := os.Stat(egresstest.DebianWheels); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return x.AddDir(egresstest.DebianWheels)
}

// requireBuildTools skips a test that builds a project where the tools for that are missing.
func requireBuildTools(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"setuptools", "wheel"} {
		found, err := filepath.Glob(filepath.Join(egresstest.DebianWheels, tool+"-*.whl"))
		if err != nil || len(found) > 0 {
			continue
		}
		const need = "this test needs %s in %s: install python3-setuptools-whl and python3-wheel-whl"
		if os.Getenv("VIVARIUM_REQUIRE_ENGINE") == "1" {
			t.Fatalf(need, tool, egresstest.DebianWheels)
		}
		t.Skipf(need, tool, egresstest.DebianWheels)
	}
}

// request asks for a build with limits so low that many builds fit at one time.
func (w *world) request(source pipeline.Source) pipeline.Request {
	l := sandbox.DefaultLimits(w.runner.Engine.Info())
	l.Memory, l.Disk, l.FileSize = 512<<20, 256<<20, 256<<20
	return pipeline.Request{
		Source: source,
		Settings: pipeline.Settings{
			Limits:  limits.Limits{Limits: l, Timeout: 2 * time.Minute, LogLimit: 64 << 20},
			Runtime: imagestest.Runtime(),
		},
		Title: "Build of a test",
	}
}

// commit makes a repository of these files and names its one commit as a source.
func (w *world) commit(t *testing.T, files map[string]string) pipeline.Git {
	t.Helper()
	name := "test/" + strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '-'
	}, t.Name())
	shas, err := w.host.Commit(t.Context(), name, egresstest.Commit{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return pipeline.Git{URL: w.host.RepoURL(name), SHA: shas[0], Tokens: pipeline.FixedToken(gitToken)}
}

// build builds a repository of these files.
func build(t *testing.T, files map[string]string) (pipeline.Outcome, *log) {
	t.Helper()
	w := theWorld(t)
	return w.run(t, w.request(w.commit(t, files)))
}

func (w *world) run(t *testing.T, q pipeline.Request) (pipeline.Outcome, *log) {
	t.Helper()
	l := newLog()
	o, err := w.runner.Run(t.Context(), q, l)
	if err != nil {
		t.Fatalf("Run: %v; log:\n%s", err, l.text())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("outcome %s %s %q; log:\n%.20000s", o.State, o.Cause, o.Summary, l.text())
		}
	})
	l.check(t, o)
	return o, l
}

// log is a recorder that keeps everything.
type log struct {
	mu      sync.Mutex
	output  strings.Builder
	byStep  map[pipeline.StepName]*strings.Builder
	started []pipeline.StepName
	ended   []pipeline.Step
	tests   []results.Test
	onText  func(text string) // called with every piece
	err     error             // returned by Output
}

func newLog() *log { return &log{byStep: map[pipeline.StepName]*strings.Builder{}} }

func (l *log) StepStarted(_ context.Context, s pipeline.Step) error {
	l.started = append(l.started, s.Name)
	return nil
}

func (l *log) Output(_ context.Context, s pipeline.StepName, _ pipeline.Stream, p []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byStep[s] == nil {
		l.byStep[s] = new(strings.Builder)
	}
	l.byStep[s].Write(p)
	l.output.Write(p)
	if l.onText != nil {
		l.onText(string(p))
	}
	return l.err
}

func (l *log) Tests(_ context.Context, _ pipeline.StepName, tests []results.Test) error {
	l.tests = append(l.tests, tests...)
	return nil
}

func (l *log) StepEnded(_ context.Context, s pipeline.Step) error {
	l.ended = append(l.ended, s)
	return nil
}

func (l *log) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.output.String()
}

func (l *log) step(name pipeline.StepName) string {
	if l.byStep[name] == nil {
		return ""
	}
	return l.byStep[name].String()
}

// check checks what holds for every build: all steps end, in order, as the outcome says.
func (l *log) check(t *testing.T, o pipeline.Outcome) {
	t.Helper()
	if len(l.ended) != len(pipeline.StepNames) || len(o.Steps) != len(l.ended) {
		t.Fatalf("%d steps told of, %d in the outcome, want %d", len(l.ended), len(o.Steps), len(pipeline.StepNames))
	}
	for i, s := range l.ended {
		if s.Name != pipeline.StepNames[i] || s.State == pipeline.StepRunning {
			t.Errorf("step %d is %s in state %s", i, s.Name, s.State)
		}
		if o.Steps[i].State != s.State || o.Steps[i].Cause != s.Cause {
			t.Errorf("step %s: told %s, outcome %s", s.Name, s.State, o.Steps[i].State)
		}
	}
	if strings.Contains(l.text(), gitToken) {
		t.Error("the log holds the git host's token")
	}
	if o.State != o.Cause.State() || o.Summary == "" {
		t.Errorf("state %s, cause %q, summary %q", o.State, o.Cause, o.Summary)
	}
}

func state(o pipeline.Outcome, name pipeline.StepName) pipeline.StepState {
	for _, s := range o.Steps {
		if s.Name == name {
			return s.State
		}
	}
	return ""
}

func wantCause(t *testing.T, o pipeline.Outcome, cause pipeline.Cause) {
	t.Helper()
	if o.Cause != cause {
		t.Fatalf("cause %q (%s), want %q", o.Cause, o.Summary, cause)
	}
}

func wantText(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%.4000s", want, text)
		}
	}
}
