package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"

	"vivarium/cmd/internal/harness"
	"vivarium/images/imagestest"
	"vivarium/sandbox/egress/egresstest"
	"vivarium/sandbox/eventually"
	"vivarium/server/github/githubtest"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/servertest"
)

const (
	webhookSecret = "e2e-webhook-secret-canary-77c1"
	repository    = "octo/hello"
)

// binaryDir holds the real binary, which is built once.
var binaryDir string

func TestMain(m *testing.M) {
	var err error
	if binaryDir, err = os.MkdirTemp("", "vivarium-e2e-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(binaryDir)
	os.Exit(code)
}

var binary = sync.OnceValues(func() (string, error) {
	file := filepath.Join(binaryDir, "vivarium")
	cmd := exec.Command("go", "build", "-o", file, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build vivarium: %w\n%s", err, out)
	}
	return file, nil
})

// world is a git host, an index and a GitHub, with what the server told GitHub.
type world struct {
	*harness.World
	t       *testing.T
	data    string
	addr    string
	workers int
	setting []string // of the server, besides those of every test
	unset   []string // names that every test has set and this server has not
	engine  *client.Client

	mu       sync.Mutex
	statuses []githubtest.Status
	onStatus func(githubtest.Status)
}

func newWorld(t *testing.T, workers int) *world {
	t.Helper()
	imagestest.RequireEngine(t)
	w := &world{t: t, data: t.TempDir(), workers: workers}
	if err := os.Chmod(w.data, 0o700); err != nil { // tests put their own files beside the server's
		t.Fatal(err)
	}
	var err error
	w.engine, err = client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.engine.Close() })
	w.World, err = harness.NewWorld(harness.Options{OnStatus: w.record})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.World.Close() })
	w.addr = "127.0.0.1:" + strconv.Itoa(freePort(t))
	return w
}

func (w *world) record(st githubtest.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.statuses = append(w.statuses, st)
	if w.onStatus != nil {
		w.onStatus(st)
	}
}

// states are what GitHub was told of a commit, in order.
func (w *world) states(sha string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var states []string
	for _, st := range w.statuses {
		if st.SHA == sha {
			states = append(states, st.State)
		}
	}
	return states
}

func (w *world) environ() []string {
	o := imagestest.Options(w.t)
	environ := append(harness.Environ(),
		"VIVARIUM_INIT_DIR="+o.InitDir, "VIVARIUM_RUNNERS="+o.Runners,
		"VIVARIUM_MEMORY=256MiB", "VIVARIUM_DISK=256MiB", "VIVARIUM_WORKERS="+strconv.Itoa(w.workers),
		"VIVARIUM_ADDR="+w.addr, "VIVARIUM_PUBLIC_URL=http://"+w.addr, "VIVARIUM_DATA_DIR="+w.data,
		"VIVARIUM_INDEX_URL="+w.Index.URL(), "VIVARIUM_INDEX_ALLOW=127.0.0.1/32",
		"GITHUB_API_URL="+w.GitHub.URL(), "GITHUB_SERVER_URL="+w.Git.URL(),
		"GITHUB_TOKEN="+harness.Token, "GITHUB_WEBHOOK_SECRET="+webhookSecret, "VIVARIUM_REPOSITORIES=octo/*")
	environ = slices.DeleteFunc(environ, func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(w.unset, name)
	})
	return append(environ, w.setting...)
}

func (w *world) command(args ...string) *exec.Cmd {
	file, err := binary()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(file, args...)
	cmd.Env = w.environ()
	cmd.Dir = w.data // a folder without .env
	return cmd
}

// serve starts the server and waits until it builds. log may be read once the server has ended.
func (w *world) serve() (server *exec.Cmd, log *bytes.Buffer) {
	w.t.Helper()
	log = &bytes.Buffer{}
	server = w.start(log)
	w.t.Cleanup(func() {
		if w.t.Failed() {
			_ = server.Process.Kill()
			_ = server.Wait()
			w.t.Logf("the log of server %d:\n%s", server.Process.Pid, log)
		}
	})
	return server, log
}

// start starts the server and waits until it builds.
func (w *world) start(log io.Writer) *exec.Cmd {
	w.t.Helper()
	cmd := w.command("serve")
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	w.until(time.Minute, "the server is ready", func() bool {
		code, _ := w.get("/readyz")
		return code == http.StatusOK
	})
	return cmd
}

func (w *world) get(path string) (int, string) {
	r, err := http.Get("http://" + w.addr + path)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, err.Error()
	}
	return r.StatusCode, string(body)
}

func (w *world) until(limit time.Duration, what string, ok func() bool) {
	w.t.Helper()
	if !eventually.Within(limit, ok) {
		w.t.Fatalf("after %s still not: %s", limit, what)
	}
}

// commits makes n different commits, each with these files, and tells GitHub of their repository.
func (w *world) commits(n int, files map[string]string) []string {
	w.t.Helper()
	list := make([]egresstest.Commit, n)
	for i := range list {
		list[i] = egresstest.Commit{Message: "change " + strconv.Itoa(i), Files: files}
	}
	shas, err := w.Git.Commit(w.t.Context(), repository, list...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.GitHub.AddRepo(repository)
	return shas
}

// oneTest is a repository of one test with this body.
func oneTest(body string) map[string]string {
	return map[string]string{
		"tests/__init__.py": "",
		"tests/test_it.py": "import os, time, unittest\nclass T(unittest.TestCase):\n    def test(self):\n        " +
			body + "\n",
	}
}

// deliver delivers the push of a commit. id is empty unless the answer is 202.
func (w *world) deliver(sha string) (id string, answer events.Answer, err error) {
	p := events.Push{Repo: repository, SHA: sha}
	answer, err = events.Deliver(w.t.Context(), "http://"+w.addr+"/webhook", webhookSecret, "push", p.Payload())
	if err != nil || answer.Code != http.StatusAccepted {
		return "", answer, err
	}
	var body struct{ Build string }
	err = json.Unmarshal(answer.Body, &body)
	return body.Build, answer, err
}

// push commits and delivers, and gives the build's ID and the commit.
func (w *world) push(files map[string]string) (id, sha string) {
	w.t.Helper()
	sha = w.commits(1, files)[0]
	id, answer, err := w.deliver(sha)
	if err != nil || id == "" {
		w.t.Fatalf("deliver: %v, %d %s", err, answer.Code, answer.Body)
	}
	return id, sha
}

type shownBuild struct {
	Cause   string
	State   string
	Attempt int
	Commit  string `json:"head_commit"`
}

func (w *world) build(id string) (b shownBuild) {
	_, body := w.get("/logs/" + id)
	_ = json.Unmarshal([]byte(body), &b)
	return b
}

// ids are the builds that /logs lists, on all of its pages.
func (w *world) ids() []string {
	w.t.Helper()
	var all []string
	for path := "/logs"; path != ""; {
		_, body := w.get(path)
		var page struct {
			Logs []string
			Next string
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			w.t.Fatalf("%s: %v: %s", path, err, body)
		}
		all = append(all, page.Logs...)
		if path = ""; page.Next != "" {
			path = "/logs?before=" + page.Next
		}
	}
	return all
}

// instance labels this server's containers.
func (w *world) instance() string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.data, "instance"))
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// containers are the IDs of this server's containers, in any state.
func (w *world) containers() []string {
	w.t.Helper()
	list, err := w.engine.ContainerList(w.t.Context(), container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", "vivarium.instance="+w.instance())),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var ids []string
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	return ids
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := servertest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}
