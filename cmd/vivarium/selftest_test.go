package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vivarium/cmd/internal/treetest"
	"vivarium/images"
)

// TestServerTakesNoBuildsFromAnEngineThatDropsALimit: it says why, and takes builds once the engine
// is mended.
func TestServerTakesNoBuildsFromAnEngineThatDropsALimit(t *testing.T) {
	w := newWorld(t, 1)
	p := startEngineProxy(t)
	p.setDrop(func(host map[string]any) { delete(host, "PidsLimit") })
	t.Setenv("DOCKER_HOST", p.host)
	defer func(d time.Duration) { selfTestInterval = d }(selfTestInterval)
	selfTestInterval = 100 * time.Millisecond
	environ := w.environ()
	t.Chdir(w.data) // a folder without .env
	ctx, stop := context.WithCancel(t.Context())
	var log bytes.Buffer
	ended := make(chan int)
	go func() { ended <- run(ctx, []string{"serve"}, environ, nil, &log, &log) }()

	var body string
	w.until(time.Minute, "the server says why it takes no builds", func() bool {
		var code int
		code, body = w.get("/readyz")
		// The cgroup says so where it is visible, else the engine's account; gVisor needs more than
		// 512.
		return code == http.StatusServiceUnavailable && strings.Contains(body, "processes") &&
			strings.Contains(body, "in place of")
	})
	if !strings.Contains(body, "enable the cgroup controller") {
		t.Errorf("it does not say what to do: %s", body)
	}
	id, _ := w.push(oneTest("pass"))
	if b := w.build(id); b.State != "queued" || b.Attempt != 0 {
		t.Errorf("the build is %s, attempt %d; want queued, 0", b.State, b.Attempt)
	}
	p.setDrop(nil)
	w.until(2*time.Minute, "the build passes once the engine is mended", func() bool {
		return w.build(id).State == "passed"
	})
	if code, _ := w.get("/readyz"); code != http.StatusOK {
		t.Errorf("/readyz answers %d", code)
	}
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if n := strings.Count(log.String(), "sandboxes are not as promised"); n != 1 {
		t.Errorf("the log says it %d times, want once:\n%s", n, &log)
	}
}

func TestDoctorLooksAtASandbox(t *testing.T) {
	w := newWorld(t, 1)
	p := startEngineProxy(t)
	t.Setenv("DOCKER_HOST", p.host)
	environ := w.environ()
	t.Chdir(w.data)
	doctor := func() (int, string) {
		var out bytes.Buffer
		code := run(t.Context(), []string{"doctor"}, environ, nil, &out, &out)
		return code, out.String()
	}
	if code, text := doctor(); code != exitOK || strings.Count(text, "posture") != 1 ||
		!strings.Contains(text, "ok   posture      a sandbox is as promised") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
	p.setDrop(func(host map[string]any) { host["CapAdd"] = []string{"CHOWN"} }) // gVisor gives NET_RAW to nobody
	if code, text := doctor(); code != exitNo || !strings.Contains(text, "FAIL posture      builds hold capabilities") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
}

// After an update, the image holds the init of the version before until the server has started.
func TestDoctorDoesNotJudgeAnotherVersionsImage(t *testing.T) {
	w := newWorld(t, 1)
	other := images.Options{InitDir: t.TempDir(), Runners: "vivarium-test/doctor-" + strings.ToLower(rand.Text()[:8])}
	for _, arch := range []string{"amd64", "arm64"} {
		treetest.Write(t, filepath.Join(other.InitDir, "vivarium-init-linux-"+arch), "another version's")
	}
	m, err := images.Open(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Resolve(t.Context(), images.Default); err != nil {
		t.Fatal(err)
	}
	defer exec.Command("docker", "rmi", other.Runners+":"+images.Default).Run()
	environ := append(w.environ(), "VIVARIUM_RUNNERS="+other.Runners)
	t.Chdir(w.data)
	var out bytes.Buffer
	code := run(t.Context(), []string{"doctor"}, environ, nil, &out, &out)
	if text := out.String(); code != exitOK ||
		!strings.Contains(text, "do   images       python-3.11 holds another version's vivarium-init") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
}

// TestMissingRuntimeStopsTheServer: no weaker isolation takes its place.
func TestMissingRuntimeStopsTheServer(t *testing.T) {
	w := newWorld(t, 1)
	cmd := w.command("serve")
	cmd.Env = append(cmd.Env, "VIVARIUM_RUNTIME=no-such-runtime")
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); err == nil || code != exitCannot ||
		!strings.Contains(string(out), `cannot use VIVARIUM_RUNTIME="no-such-runtime": the engine has only`) ||
		!strings.Contains(string(out), "install it there, or unset it") {
		t.Errorf("exit code %d: %s", code, out)
	}
}
