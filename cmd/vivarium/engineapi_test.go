package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"vivarium/images/imagestest"
)

// apiCalls are the calls that SECURITY.md lists, one a line in the code block below its heading.
func apiCalls(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "<!-- engine API calls: held by a test in cmd/vivarium -->\n\n```\n")
	block, _, closed := strings.Cut(rest, "```\n")
	if !ok || !closed {
		t.Fatal("SECURITY.md has no list of the Engine API's calls")
	}
	var calls []string
	for line := range strings.Lines(block) {
		calls = append(calls, strings.Join(strings.Fields(line), " "))
	}
	return calls
}

// TestEngineAPICallsAreThoseThatSecuritySays records the calls that the product makes, so that a
// socket proxy with this list lets through what is needed, and nothing else.
func TestEngineAPICallsAreThoseThatSecuritySays(t *testing.T) {
	w := newWorld(t, 1)
	p := startEngineProxy(t)
	r := &recorded{world: w, proxy: p, name: "recorded-" + strings.ToLower(rand.Text()[:8])}
	// gVisor needs no update of a container.
	r.environ = append(w.environ(), "DOCKER_HOST="+p.host, "VIVARIUM_RUNTIME=",
		"VIVARIUM_RUNNERS=vivarium-test/"+r.name)
	t.Cleanup(r.removeImages)
	r.neighbour(t)
	r.images(t)
	r.serve(t)
	r.lose(t)
	p.mu.Lock()
	got := slices.Sorted(maps.Keys(p.calls))
	p.mu.Unlock()
	want := apiCalls(t)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("recorded:\n%s\n\nSECURITY.md lists:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// recorded is a vivarium whose engine is behind the proxy; its runner images have a name of their
// own.
type recorded struct {
	*world
	proxy   *engineProxy
	name    string
	environ []string
}

// vivarium runs one command and gives its output.
func (r *recorded) vivarium(t *testing.T, code int, args ...string) string {
	t.Helper()
	cmd := r.command(args...)
	cmd.Env = r.environ
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("vivarium %s: exit code %d (%v), want %d:\n%s", strings.Join(args, " "), got, err, code, out)
	}
	return string(out)
}

// neighbour runs a container that is no sandbox and has no limit, so that the server asks for its
// use.
func (r *recorded) neighbour(t *testing.T) {
	c, err := r.engine.ContainerCreate(t.Context(),
		&container.Config{Image: imagestest.Runner(t), Entrypoint: []string{"sleep", "600"}},
		&container.HostConfig{NetworkMode: "none"}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.engine.ContainerRemove(context.Background(), c.ID,
			container.RemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	})
	if err := r.engine.ContainerStart(t.Context(), c.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
}

// images makes an image from a base that has all tools already, then exports and imports it.
func (r *recorded) images(t *testing.T) {
	base := imagestest.Runner(t)
	// a registry that is away
	r.vivarium(t, exitCannot, "images", "build", r.name, "--from", "127.0.0.1:1/no/such:base")
	r.vivarium(t, exitOK, "images", "build", r.name, "--from", base)
	r.vivarium(t, exitOK, "images", "list")
	r.vivarium(t, exitOK, "images", "inspect", r.name)
	file := filepath.Join(r.data, "image.tar")
	r.vivarium(t, exitOK, "images", "export", "-o", file, r.name)
	r.vivarium(t, exitOK, "images", "rm", r.name)
	r.vivarium(t, exitOK, "images", "import", file)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	r.vivarium(t, exitOK, "images", "rm", r.name)
}

// serve builds one push whose repository lowers its limits: self-test, sweep, init layer, build.
func (r *recorded) serve(t *testing.T) {
	cmd, log := r.command("serve"), &bytes.Buffer{}
	cmd.Env, cmd.Stderr = r.environ, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the server's log:\n%s", log)
		}
	})
	r.until(time.Minute, "the server answers", func() bool { code, _ := r.get("/healthz"); return code == 200 })
	files := oneTest("pass")
	files["pyproject.toml"] = "[tool.vivarium]\nmemory = \"128MiB\"\n"
	id, _ := r.push(files)
	r.until(2*time.Minute, "the build passes", func() bool { return r.build(id).State == "passed" })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // another test checks how it ended
}

// lose kills a build's container; the server then asks the engine why it ended.
func (r *recorded) lose(t *testing.T) {
	tree := t.TempDir()
	for name, text := range oneTest(`print("SLEEPING", flush=True); time.sleep(300)`) {
		file := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd, out := r.command("run", tree), &syncBuffer{}
	cmd.Env, cmd.Stdout, cmd.Stderr = r.environ, out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	r.until(time.Minute, "the test sleeps", func() bool { return strings.Contains(out.String(), "SLEEPING") })
	r.proxy.mu.Lock()
	id := r.proxy.attached
	r.proxy.mu.Unlock()
	if err := r.engine.ContainerKill(t.Context(), id, "KILL"); err != nil {
		t.Fatal(err)
	}
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != exitCannot {
		t.Errorf("a build that lost its container: exit code %d:\n%s", cmd.ProcessState.ExitCode(), out)
	}
}

// removeImages: `vivarium images rm` keeps the lower layers.
func (r *recorded) removeImages() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	list, err := r.engine.ImageList(ctx, image.ListOptions{All: true})
	if err != nil {
		r.t.Errorf("list images: %v", err)
	}
	for _, i := range list {
		for _, tag := range i.RepoTags {
			if strings.Contains(tag, r.name) {
				if _, err := r.engine.ImageRemove(ctx, tag, image.RemoveOptions{PruneChildren: true}); err != nil {
					r.t.Errorf("remove image %s: %v", tag, err)
				}
			}
		}
	}
}

var citedTest = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`)

// TestSecurityCitesTestsThatExist: a promise without its test is none.
func TestSecurityCitesTestsThatExist(t *testing.T) {
	text, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	var source bytes.Buffer
	err = filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		source.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	cited := citedTest.FindAllString(string(text), -1)
	if len(cited) < 20 {
		t.Errorf("control: only %d tests are cited", len(cited))
	}
	for _, name := range cited {
		if !bytes.Contains(source.Bytes(), []byte("\nfunc "+name+"(")) {
			t.Errorf("SECURITY.md cites %s, which is not there", name)
		}
	}
}

// syncBuffer may be read while a command writes to it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
