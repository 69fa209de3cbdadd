package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"vivarium/images/imagestest"
	"vivarium/sandbox"
)

// TestBuildWaitsForMemoryThatAnotherServerHolds: the other server's sandbox has a limit of half of
// the engine's memory. The reserve leaves no more than that half.
func TestBuildWaitsForMemoryThatAnotherServerHolds(t *testing.T) {
	w := newWorld(t, 1)
	info, err := w.engine.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	half := info.MemTotal / 2
	other, err := w.engine.ContainerCreate(t.Context(), &container.Config{
		Image: imagestest.Runner(t), Entrypoint: []string{"sleep", "600"}, Labels: map[string]string{
			sandbox.LabelInstance: "another-server",
			sandbox.LabelDeadline: time.Now().Add(10 * time.Minute).UTC().Format(time.RFC3339),
		},
	}, &container.HostConfig{Resources: container.Resources{Memory: half, MemorySwap: half}}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	remove := func() error {
		return w.engine.ContainerRemove(context.WithoutCancel(t.Context()), other.ID,
			container.RemoveOptions{Force: true})
	}
	t.Cleanup(func() { _ = remove() }) // when the test ends early
	if err := w.engine.ContainerStart(t.Context(), other.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}

	w.setting = []string{"VIVARIUM_MEMORY_RESERVE=" + strconv.FormatInt(info.MemTotal-half, 10)}
	log := w.serveLogged()
	id, _ := w.push(oneTest("pass"))
	w.until(time.Minute, "the server says that builds wait", func() bool {
		return strings.Contains(log(), "builds wait for memory")
	})
	if b := w.build(id); b.State != "queued" || b.Attempt != 0 {
		t.Errorf("the build: got %+v, want it queued", b)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	w.until(2*time.Minute, "the build passes", func() bool { return w.build(id).State == "passed" })
}

// serveLogged is serve with a log that can be read while the server runs.
func (w *world) serveLogged() (log func() string) {
	w.t.Helper()
	file, err := os.Create(filepath.Join(w.data, "server.log"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { file.Close() })
	w.start(file)
	return func() string {
		text, err := os.ReadFile(file.Name())
		if err != nil {
			w.t.Fatal(err)
		}
		return string(text)
	}
}
