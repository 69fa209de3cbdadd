package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vivarium/cmd/internal/harness"
	"vivarium/images/imagestest"
	"vivarium/server/github/githubtest"
)

const webhookSecret = "e2e-webhook-secret-canary-77c1"

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
		return "", &exec.Error{Name: string(out), Err: err}
	}
	return file, nil
})

// world is a git host, an index and a GitHub, with what the server said to the latter.
type world struct {
	*harness.World
	t    *testing.T
	data string
	addr string

	mu       sync.Mutex
	statuses []githubtest.Status
	onStatus func(githubtest.Status)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	imagestest.RequireEngine(t)
	w := &world{t: t, data: t.TempDir()}
	var err error
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
	return append(harness.Environ(),
		"VIVARIUM_INIT_DIR="+o.InitDir, "VIVARIUM_RUNNERS="+o.Runners,
		"VIVARIUM_MEMORY=256MiB", "VIVARIUM_DISK=256MiB", "VIVARIUM_WORKERS=1",
		"VIVARIUM_ADDR="+w.addr, "VIVARIUM_PUBLIC_URL=http://"+w.addr, "VIVARIUM_DATA_DIR="+w.data,
		"VIVARIUM_INDEX_URL="+w.Index.URL(), "VIVARIUM_INDEX_ALLOW=127.0.0.1/32",
		"GITHUB_API_URL="+w.GitHub.URL(), "GITHUB_SERVER_URL="+w.Git.URL(),
		"GITHUB_TOKEN="+harness.Token, "GITHUB_WEBHOOK_SECRET="+webhookSecret)
}

func (w *world) command(args ...string) *exec.Cmd {
	file, err := binary()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(file, args...)
	cmd.Env = w.environ()
	cmd.Dir = w.data // there is no .env
	return cmd
}

// serve starts the server and waits until it builds.
func (w *world) serve() (*exec.Cmd, *bytes.Buffer) {
	w.t.Helper()
	cmd, log := w.command("serve"), &bytes.Buffer{}
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
	return cmd, log
}

func (w *world) get(path string) (int, string) {
	r, err := http.Get("http://" + w.addr + path)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(body)
}

func (w *world) until(limit time.Duration, what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	w.t.Fatalf("after %s still not: %s", limit, what)
}

// push commits and delivers, and gives the build's id and the commit.
func (w *world) push(test string) (id, sha string) {
	w.t.Helper()
	sha, err := w.Commit(w.t.Context(), "octo/hello", "change", map[string]string{
		"tests/__init__.py": "", "tests/test_it.py": "import os, time, unittest\nclass T(unittest.TestCase):\n    def test(self):\n        " + test + "\n"})
	if err != nil {
		w.t.Fatal(err)
	}
	p := githubtest.Push{Repo: "octo/hello", SHA: sha}
	answer, err := githubtest.Deliver(w.t.Context(), "http://"+w.addr+"/webhook", webhookSecret, "push", p.Payload())
	if err != nil || answer.Code != http.StatusAccepted {
		w.t.Fatalf("deliver: %v, %d %s", err, answer.Code, answer.Body)
	}
	var body struct{ Build string }
	if err := json.Unmarshal(answer.Body, &body); err != nil {
		w.t.Fatal(err)
	}
	return body.Build, sha
}

func (w *world) state(id string) (state string, attempt int) {
	_, body := w.get("/logs/" + id)
	var b struct {
		State   string
		Attempt int
	}
	_ = json.Unmarshal([]byte(body), &b)
	return b.State, b.Attempt
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestPushBecomesStatusesAndALiveLogWithoutCredentials(t *testing.T) {
	w := newWorld(t)
	var targets []int
	w.onStatus = func(st githubtest.Status) {
		code, _ := w.get(strings.TrimPrefix(st.TargetURL, "http://"+w.addr))
		targets = append(targets, code)
	}
	server, serverLog := w.serve()
	id, sha := w.push(`print("ENV", sorted(os.environ.items()))`)
	live := make(chan string, 1)
	go func() { _, body := w.get("/logs/" + id + "/raw?follow=1"); live <- body }()
	w.until(2*time.Minute, "both statuses are there", func() bool { return len(w.states(sha)) == 2 })
	if got := strings.Join(w.states(sha), " "); got != "pending success" {
		t.Errorf("statuses: %s", got)
	}
	if log := <-live; !strings.Contains(log, "Ran 1 test") || !strings.Contains(log, "ENV") {
		t.Errorf("the followed log: %q", log)
	}
	w.mu.Lock()
	for _, code := range targets {
		if code != http.StatusOK {
			t.Errorf("the target URL answered %d when its status arrived", code)
		}
	}
	w.mu.Unlock()
	_, log := w.get("/logs/" + id + "/raw")
	noCanary(t, "the build's log", log)
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the server ended on SIGTERM with %v:\n%s", err, serverLog)
	}
	noCanary(t, "the server's log", serverLog.String())
	for _, name := range []string{"vivarium.db", "vivarium.db-wal"} {
		if b, err := os.ReadFile(filepath.Join(w.data, name)); err == nil {
			noCanary(t, name, string(b))
		}
	}
}

func noCanary(t *testing.T, where, text string) {
	t.Helper()
	for _, canary := range []string{harness.Token, webhookSecret} {
		if strings.Contains(text, canary) {
			t.Errorf("a credential stands in %s", where)
		}
	}
}

func TestKilledServerLosesNothing(t *testing.T) {
	w := newWorld(t)
	server, _ := w.serve()
	first, _ := w.push("pass")
	w.until(2*time.Minute, "the first build passes", func() bool { s, _ := w.state(first); return s == "passed" })
	_, before := w.get("/logs/" + first)
	_, rawBefore := w.get("/logs/" + first + "/raw")

	instance, err := os.ReadFile(filepath.Join(w.data, "instance"))
	if err != nil {
		t.Fatal(err)
	}
	containers := func() string {
		out, err := exec.Command("docker", "ps", "-aq", "--filter", "label=vivarium.instance="+strings.TrimSpace(string(instance))).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	id, sha := w.push(`print("SLEEPING", flush=True); time.sleep(6)`)
	w.until(2*time.Minute, "the test sleeps", func() bool {
		_, log := w.get("/logs/" + id + "/raw")
		return strings.Contains(log, "SLEEPING")
	})
	if containers() == "" {
		t.Fatal("control: the running container is not seen")
	}

	second := w.command("serve")
	if out, err := second.CombinedOutput(); err == nil || !strings.Contains(string(out), strconv.Itoa(server.Process.Pid)) {
		t.Errorf("a second server: %v, %s", err, out)
	}

	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	w.until(2*time.Second, "the container is gone", func() bool { return containers() == "" })
	_ = server.Wait()

	w.serve()
	w.until(2*time.Minute, "the build passes after all", func() bool { s, _ := w.state(id); return s == "passed" })
	if _, attempt := w.state(id); attempt != 2 {
		t.Errorf("attempt %d, want 2", attempt)
	}
	w.until(time.Minute, "the final status is there", func() bool {
		states := w.states(sha)
		return len(states) > 0 && states[len(states)-1] == "success"
	})
	if _, after := w.get("/logs/" + first); after != before {
		t.Errorf("the finished build changed:\n%s\n%s", before, after)
	}
	if _, after := w.get("/logs/" + first + "/raw"); after != rawBefore {
		t.Error("the finished build's log changed")
	}
	if _, ids := w.get("/logs"); !strings.Contains(ids, `"`+first+`"`) || !strings.Contains(ids, `"`+id+`"`) {
		t.Errorf("/logs: %s", ids)
	}
}
