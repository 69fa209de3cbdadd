package attack

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/docker/docker/client"

	"vivarium/images"
	"vivarium/images/imagestest"
	"vivarium/pipeline"
	"vivarium/pipeline/limits"
	testresults "vivarium/pipeline/results"
	"vivarium/sandbox"
	"vivarium/sandbox/egress"
	"vivarium/sandbox/egress/egresstest"
)

// token is what the git host asks for. No sandbox may ever hold it.
const token = "attack-canary-token-41b7d0"

// world is what most attacks share: the product's own pipeline, with a git host and an index that
// the attacker owns.
type world struct {
	runner *pipeline.Runner
	docker *client.Client
	host   *egresstest.GitHost
	index  *egresstest.Index
	closes []func() error
}

var shared struct {
	sync.Once
	*world
	err error
}

func theWorld(t *testing.T) *world {
	t.Helper()
	options := imagestest.Options(t)
	shared.Do(func() {
		shared.world = new(world)
		shared.err = shared.world.open(options)
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.world
}

func closeWorld() error {
	if shared.world == nil {
		return nil
	}
	var errs []error
	for _, closes := range slices.Backward(shared.world.closes) {
		errs = append(errs, closes())
	}
	return errors.Join(errs...)
}

func (w *world) open(o images.Options) (err error) {
	ctx := context.Background()
	w.runner = &pipeline.Runner{Instance: "vivarium-attack"}
	if w.runner.Engine, err = sandbox.Connect(ctx, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	w.closes = append(w.closes, w.runner.Engine.Close)
	if w.docker, err = client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation()); err != nil {
		return err
	}
	w.closes = append(w.closes, w.docker.Close)
	if w.runner.Images, err = images.Open(ctx, o); err != nil {
		return err
	}
	w.closes = append(w.closes, w.runner.Images.Close)
	if w.host, err = egresstest.StartGitHost(egresstest.GitHostConfig{Token: token}); err != nil {
		return err
	}
	w.closes = append(w.closes, w.host.Close)
	if w.index, err = egresstest.StartIndex(egresstest.IndexConfig{}); err != nil {
		return err
	}
	w.closes = append(w.closes, w.index.Close)
	if err := w.index.AddDir(egresstest.DebianWheels); err != nil {
		return err
	}
	w.runner.Index, err = w.openIndex("")
	return err
}

// openIndex makes the product's side of the index. It keeps files in cacheDir, or nowhere if that
// is empty.
func (w *world) openIndex(cacheDir string) (*egress.Index, error) {
	upstream, err := url.Parse(w.index.URL())
	if err != nil {
		return nil, err
	}
	return egress.NewIndex(egress.IndexConfig{
		Upstream: upstream, CacheDir: cacheDir,
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, // the index's files lie on an origin of their own
	})
}

// request is a request for a build, with limits low enough for several builds at one time.
func (w *world) request(t *testing.T, source pipeline.Source) pipeline.Request {
	l := sandbox.DefaultLimits(w.runner.Engine.Info())
	l.Memory, l.Disk, l.FileSize = 512<<20, 256<<20, 256<<20
	return pipeline.Request{
		Source: source,
		Settings: pipeline.Settings{
			Limits:  limits.Limits{Limits: l, Timeout: patience(t, 2*time.Minute), LogLimit: 64 << 20},
			Runtime: imagestest.Runtime(),
		},
		Title: "Build of an attack",
	}
}

// commit makes a repository of these files and names its one commit as a source.
func (w *world) commit(t *testing.T, files map[string]string) pipeline.Git {
	t.Helper()
	name := "attack/" + strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '-'
	}, t.Name())
	shas, err := w.host.Commit(t.Context(), name, egresstest.Commit{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return pipeline.Git{URL: w.host.RepoURL(name), SHA: shas[0], Tokens: pipeline.FixedToken(token)}
}

// build builds a repository of these files with the product's pipeline.
func (w *world) build(t *testing.T, files map[string]string) (pipeline.Outcome, *log) {
	t.Helper()
	return w.run(t, w.request(t, w.commit(t, files)))
}

func (w *world) run(t *testing.T, q pipeline.Request) (pipeline.Outcome, *log) {
	t.Helper()
	l := new(log)
	o, err := w.runner.Run(t.Context(), q, l)
	if err != nil {
		t.Fatalf("run the build: %v; log:\n%s", err, l)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("outcome %s %s %q; log:\n%.20000s", o.State, o.Cause, o.Summary, l)
		}
	})
	return o, l
}

// program is the text of an attack program.
func program(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "sandbox", "testdata", "attacks", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// log is a recorder that keeps all output, and each stream's lines whole.
type log struct {
	mu      sync.Mutex
	text    strings.Builder
	partial map[pipeline.Stream][]byte // the beginning of a line
}

func (l *log) StepStarted(context.Context, pipeline.Step) error { return nil }
func (l *log) StepEnded(context.Context, pipeline.Step) error   { return nil }

func (l *log) Tests(context.Context, pipeline.StepName, []testresults.Test) error { return nil }

func (l *log) Output(_ context.Context, _ pipeline.StepName, stream pipeline.Stream, p []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if end := bytes.LastIndexByte(p, '\n') + 1; end > 0 {
		l.text.Write(l.partial[stream])
		l.text.Write(p[:end])
		delete(l.partial, stream)
		p = p[end:]
	}
	if l.partial == nil {
		l.partial = make(map[pipeline.Stream][]byte)
	}
	l.partial[stream] = append(l.partial[stream], p...)
	return nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	for _, stream := range []pipeline.Stream{pipeline.Stdout, pipeline.Stderr, pipeline.System} {
		text += string(l.partial[stream])
	}
	return text
}
