package corpus

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"vivarium/cmd/internal/debianwheels"
	"vivarium/cmd/internal/harness"
	"vivarium/images/imagestest"
	"vivarium/sandbox/egress/egresstest"
	"vivarium/server/github/githubtest/events"
)

// atOnce is how many repositories are built side by side: a build waits for the engine often enough
// that two cores have work for more than two.
const atOnce = 4

// scratch holds the program, which is built once.
var scratch string

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(atOnce)); err != nil {
		panic(err)
	}
	var err error
	if scratch, err = os.MkdirTemp("", "vivarium-corpus-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// realPackages are the Debian packages whose wheels the index offers, besides pip's own needs.
var realPackages = []string{
	"python3-django", "python3-flask", "python3-parameterized", "python3-poetry-core", "python3-pytest",
	"python3-requests", "python3-setuptools-scm",
}

// madePackages are small packages of our own, for what is about installing and not about a package.
var madePackages = []egresstest.File{
	egresstest.Wheel("tinydep", "1.0", map[string]string{"tinydep.py": "VALUE = 1\n"}),
	egresstest.Wheel("Awesome_Thing.core", "1.0", map[string]string{"awesome_thing_core.py": "VALUE = 1\n"}),
	egresstest.Wheel("turndep", "1.0", map[string]string{"turndep.py": "VALUE = 1\n"}),
	egresstest.Wheel("turndep", "2.0", map[string]string{"turndep.py": "VALUE = 2\n"}),
}

// world is what the builds meet outside, and the servers that build pushes.
type world struct {
	*harness.World
	binary  string
	setting []string // of every vivarium
	words   *strings.Replacer
	unwords *strings.Replacer // the other way round

	mu      sync.Mutex
	servers map[string]*harness.Server // by the settings that they have besides
}

func newWorld(t *testing.T) *world {
	t.Helper()
	o := imagestest.Options(t)
	w := &world{binary: filepath.Join(scratch, "vivarium"), servers: map[string]*harness.Server{}}
	w.setting = []string{
		"VIVARIUM_INIT_DIR=" + o.InitDir, "VIVARIUM_RUNNERS=" + o.Runners,
		"VIVARIUM_MEMORY=512MiB", "VIVARIUM_DISK=768MiB", "VIVARIUM_TIMEOUT=3m", "VIVARIUM_WORKERS=" + strconv.Itoa(atOnce),
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", w.binary, "vivarium/cmd/vivarium")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build vivarium: %v\n%s", err, out)
	}
	var err error
	if w.World, err = harness.NewWorld(harness.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.World.Close(); err != nil {
			t.Error(err)
		}
	})
	names := []string{
		"@INDEX@", w.Index.URL(), "@GIT@", w.Git.URL(), "@TINYDEP@", madePackages[0].SHA256(), "@PYTEST@", w.fill(t),
	}
	w.words = strings.NewReplacer(names...)
	slices.Reverse(names)
	w.unwords = strings.NewReplacer(names...)
	return w
}

// fill puts into the index what repositories depend on, and on the git host a repository that
// another one depends on. It returns the version of pytest.
func (w *world) fill(t *testing.T) (pytest string) {
	t.Helper()
	wheels, err := debianwheels.Folder(t.Context(), realPackages...)
	if err != nil {
		t.Fatalf("make wheels from Debian's packages: %v", err)
	}
	if err := w.Index.AddDir(wheels); err != nil {
		t.Fatal(err)
	}
	w.Index.Add(madePackages...)
	w.Index.Add(failingPackages()...)
	_, err = w.Git.Commit(t.Context(), "corpus/helper", egresstest.Commit{
		Files: map[string]string{
			"setup.py":  "from setuptools import setup\n\nsetup(name='helper', version='1', py_modules=['helper'])\n",
			"helper.py": "VALUE = 1\n",
		},
		Tag: "v1",
	})
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(wheels, "pytest-*.whl"))
	if err != nil || len(found) != 1 {
		t.Fatalf("wheels of pytest: %q, %v", found, err)
	}
	return strings.Split(filepath.Base(found[0]), "-")[1]
}

// server is the one with these settings besides those of all; it is started when it is first asked
// for.
func (w *world) server(ctx context.Context, setting []string) (*harness.Server, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := strings.Join(setting, "\n")
	if s, started := w.servers[key]; started {
		return s, nil
	}
	env := append(slices.Clone(w.setting), "VIVARIUM_REPOSITORIES=corpus/*")
	s, err := w.Serve(w.binary, append(env, setting...)...)
	if err != nil {
		return nil, err
	}
	if err := s.WaitReady(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	w.servers[key] = s
	return s, nil
}

// stop stops all servers.
func (w *world) stop(t *testing.T) {
	for _, s := range w.servers {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
}

// pushed builds a commit as the server does on a push.
func (w *world) pushed(ctx context.Context, r *repository) (b build, err error) {
	s, err := w.server(ctx, r.setting)
	if err != nil {
		return b, err
	}
	name := "corpus/" + r.name
	shas, err := w.Git.Commit(ctx, name, r.commits()...)
	if err != nil {
		return b, err
	}
	w.GitHub.AddRepo(name)
	id, err := s.Push(ctx, events.Push{Repo: name, RepoID: repoID(r.name), SHA: shas[len(shas)-1]})
	if err != nil {
		return b, err
	}
	var log bytes.Buffer
	if err := s.Follow(ctx, id, &log); err != nil {
		return b, err
	}
	got, err := s.Build(ctx, id)
	if err != nil {
		return b, err
	}
	b = build{
		state:   string(got.State),
		cause:   string(got.Cause),
		summary: w.unwords.Replace(plainSummary(got.Summary)),
		plan:    w.unwords.Replace(plain(planInLog.FindString(got.Plan))),
		log:     log.String(),
		tests:   got.Logs.Test,
	}
	for _, line := range resultsOf(got.Tests) {
		b.results = append(b.results, w.unwords.Replace(line))
	}
	for _, step := range got.Steps {
		b.steps = append(b.steps, fmt.Sprintf("%s %s", step.Name, step.State))
	}
	return b, nil
}

// repoID is a repository's number at GitHub: one that no other of the corpus has.
func repoID(name string) (id int64) {
	for _, c := range []byte(name) {
		id = (id*257 + int64(c)) % 1_000_000_007
	}
	return id + 1
}

// run builds a clone of the commit with `vivarium run`.
func (w *world) run(ctx context.Context, dir string, r *repository) (build, error) {
	tree := filepath.Join(dir, r.name)
	clone := exec.CommandContext(ctx, "git", "clone", "--quiet", w.Git.RepoURL("corpus/"+r.name).String(), tree)
	clone.Env = append(os.Environ(), "HOME="+dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0")
	if out, err := clone.CombinedOutput(); err != nil {
		return build{}, fmt.Errorf("clone: %w: %s", err, out)
	}
	cmd := exec.CommandContext(ctx, w.binary, "run", tree)
	cmd.Dir = dir
	cmd.Env = append(append(harness.Environ(), w.setting...), "XDG_CACHE_HOME="+filepath.Join(scratch, "cache"),
		"VIVARIUM_INDEX_URL="+w.Index.URL(), "VIVARIUM_INDEX_ALLOW="+w.Host+"/32", "GITHUB_SERVER_URL="+w.Git.URL())
	cmd.Env = append(cmd.Env, r.setting...)
	out, _ := cmd.CombinedOutput() // the exit code says what the verdict says
	b, err := parseRun(string(out))
	b.plan, b.summary = w.unwords.Replace(b.plan), w.unwords.Replace(b.summary)
	return b, err
}
