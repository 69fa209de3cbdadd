package attack

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/pkg/stdcopy"

	"vivarium/images/imagestest"
	"vivarium/pipeline"
	"vivarium/sandbox"
	"vivarium/sandbox/eventually"
	"vivarium/server/api"
)

// TestContainer looks at containers from outside: what the engine keeps of them, when they end, and
// what they run on.
func TestContainer(t *testing.T) {
	w := theWorld(t)
	attack(t, "log", "reading at the engine what a build has printed", func(t *testing.T, l *line) {
		control, err := w.printed(t)
		if err != nil || control != "canary\n" {
			t.Errorf("control: of an ordinary container the engine gives %q, %v", control, err)
		}
		l.control = "the engine gives it of an ordinary container"
		s := w.box(t, "bounds.py", nil)
		if _, err := s.Run(t.Context(), sandbox.Command{Argv: []string{"echo", "canary"}},
			func(sandbox.Stream, []byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
		for _, id := range w.containers(t, w.runner.Instance) {
			if text, err := w.logs(t, id); err == nil {
				t.Errorf("the engine gives %d bytes", len(text))
			} else {
				l.outcome = "the engine has none: " + err.Error()
			}
		}
	})
	attack(t, "runtime", "another runtime than the configured one", func(t *testing.T, l *line) {
		info := w.runner.Engine.Info()
		i := slices.IndexFunc(info.Runtimes,
			func(name string) bool { return name == "runsc" || name == "io.containerd.runc.v2" })
		if i < 0 {
			t.Fatalf("the engine has none to choose but its default: %q", info.Runtimes)
		}
		l.control = "where none is configured it is " + w.runtimeOf(t, "")
		if w.runtimeOf(t, "") == info.Runtimes[i] {
			t.Errorf("control: %s is the default", info.Runtimes[i])
		}
		got := w.runtimeOf(t, info.Runtimes[i])
		if got != info.Runtimes[i] {
			t.Errorf("it is %s, configured is %s", got, info.Runtimes[i])
		}
		q := w.request(t, w.commit(t, map[string]string{"test_it.py": passingTest}))
		q.Settings.Runtime = "no-such-runtime"
		o, _ := w.run(t, q)
		if o.State != pipeline.Errored || o.Cause != pipeline.CauseEngine {
			t.Errorf("with one that the engine lacks the build is %s %s: %s", o.State, o.Cause, o.Summary)
		}
		l.outcome = fmt.Sprintf("it is %s; with one that the engine lacks the build is %s %s", got, o.State, o.Cause)
	})
	attack(t, "all-places-together", "filling two places that may each hold "+
		"what all may hold together", func(t *testing.T, l *line) {
		o, _ := w.build(t, map[string]string{"test_it.py": filling(100)})
		if o.State != pipeline.Passed {
			t.Errorf("control: half as much in each is %s %s", o.State, o.Cause)
		}
		l.control = "half as much in each fits"
		o, _ = w.build(t, map[string]string{"test_it.py": filling(200)})
		if o.State != pipeline.Failed || o.Cause != pipeline.CauseDiskFull {
			t.Errorf("the build is %s %s: %s", o.State, o.Cause, o.Summary)
		}
		l.outcome = fmt.Sprintf("%s %s: %s", o.State, o.Cause, o.Summary)
	})
	deathOfTheServer(t, w)
}

// runtimeOf starts a sandbox and asks the engine for its runtime.
func (w *world) runtimeOf(t *testing.T, configured string) string {
	t.Helper()
	instance := "vivarium-attack-runtime-" + configured // a container that is just ending is not taken for this one
	s, err := w.runner.Engine.Start(t.Context(), sandbox.Spec{
		Image: imagestest.Runner(t), Instance: instance, Runtime: configured,
		Limits: w.request(t, nil).Settings.Limits.Limits, Deadline: time.Now().Add(patience(t, time.Minute)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ids := w.containers(t, instance)
	if len(ids) == 0 {
		t.Fatal("the engine lists no such sandbox")
	}
	c, err := w.docker.ContainerInspect(t.Context(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	return c.HostConfig.Runtime
}

const passingTest = "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n        pass\n"

// filling is a test that writes that many MiB to each of two places, which may hold 256 MiB
// together.
func filling(mebibytes int) string {
	return fmt.Sprintf(`import os, time, unittest
class T(unittest.TestCase):
    def test(self):
        for folder in "/tmp", os.path.expanduser("~"):
            with open(folder + "/filler", "wb") as f:
                for _ in range(%d):
                    f.write(bytes(1 << 20))
                    f.flush()
                    time.sleep(0.001)
`, mebibytes)
}

// deathOfTheServer kills a server. Its sandboxes must end with it, since nobody is left who could
// end them.
func deathOfTheServer(t *testing.T, w *world) {
	attack(t, "death-of-the-server", "a build that goes on when the server is killed", func(t *testing.T, l *line) {
		s := serve(t)
		sha, err := s.World.Commit(t.Context(), "octo/sleeping", "sleep", map[string]string{
			"test_it.py": "import time, unittest\nclass T(unittest.TestCase):\n    def test(self):\n" +
				"        time.sleep(600)\n",
		})
		if err != nil {
			t.Fatal(err)
		}
		id, err := s.Server.Push(t.Context(), push("octo/sleeping", sha))
		if err != nil {
			t.Fatal(err)
		}
		s.until(t, id, func(b api.Build) bool {
			for _, step := range b.Steps {
				if step.Name == pipeline.StepTest && step.State == pipeline.StepRunning {
					return true
				}
			}
			return false
		})
		instance, err := os.ReadFile(filepath.Join(s.DataDir, "instance"))
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSpace(string(instance))
		if n := len(w.containers(t, name)); n != 1 {
			t.Errorf("control: %d containers run while it lives", n)
		}
		l.control = "its container runs while it lives"
		began := time.Now()
		if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		limit := patience(t, 20*time.Second)
		eventually.Within(limit, func() bool { return len(w.containers(t, name)) == 0 })
		l.outcome = fmt.Sprintf("its container is gone after %s", time.Since(began).Round(10*time.Millisecond))
		for _, id := range w.containers(t, name) {
			t.Errorf("container %s is still there after %s", id, limit)
			w.remove(t, id)
		}
	})
}

// containers are an instance's containers, in any state.
func (w *world) containers(t *testing.T, instance string) []string {
	t.Helper()
	list, err := w.docker.ContainerList(t.Context(), container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", "vivarium.instance="+instance)),
	})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	return ids
}

// logs asks the engine for what a container has printed.
func (w *world) logs(t *testing.T, id string) (string, error) {
	t.Helper()
	r, err := w.docker.ContainerLogs(t.Context(), id, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return "", err
	}
	defer r.Close()
	var text bytes.Buffer
	_, err = stdcopy.StdCopy(&text, &text, r)
	return text.String(), err
}

// printed is what the engine keeps of an ordinary container's output.
func (w *world) printed(t *testing.T) (string, error) {
	t.Helper()
	c, err := w.docker.ContainerCreate(t.Context(),
		&container.Config{
			Image:      imagestest.Runner(t),
			Entrypoint: []string{"echo", "canary"},
			Labels:     map[string]string{"vivarium.instance": w.runner.Instance + "-control"},
		},
		&container.HostConfig{NetworkMode: "none", LogConfig: container.LogConfig{Type: "json-file"}}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		err := w.docker.ContainerRemove(context.WithoutCancel(t.Context()), c.ID, container.RemoveOptions{Force: true})
		if err != nil && !errdefs.IsNotFound(err) {
			t.Error(err)
		}
	}()
	if err := w.docker.ContainerStart(t.Context(), c.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	ended, failed := w.docker.ContainerWait(t.Context(), c.ID, container.WaitConditionNotRunning)
	select {
	case <-ended:
	case err := <-failed:
		t.Fatal(err)
	}
	return w.logs(t, c.ID)
}
