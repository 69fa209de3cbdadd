package sandbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"vivarium/images/imagestest"
	"vivarium/sandbox"
	"vivarium/sandbox/eventually"
)

func TestSandboxesOfOtherServersCountByTheirLimits(t *testing.T) {
	e := connect(t)
	sp := spec(e, imagestest.Runner(t))
	sp.Instance = testInstance + "-admission"
	s, err := e.Start(t.Context(), sp)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	// Sandboxes of others come and go between the two looks, so this may need several tries.
	var toOthers, toItself sandbox.Others
	want := sp.Limits.Memory + sp.Limits.Disk
	if !eventually.Within(30*time.Second, func() bool {
		if toOthers, err = e.Others(t.Context(), testInstance+"-somebody-else"); err != nil {
			t.Fatal(err)
		}
		if toItself, err = e.Others(t.Context(), sp.Instance); err != nil {
			t.Fatal(err)
		}
		return toOthers.Sandboxes-toItself.Sandboxes == want
	}) {
		t.Fatalf("it counts %d for others and %d for itself, want %d more for others", toOthers.Sandboxes,
			toItself.Sandboxes, want)
	}
}

// TestOtherContainersCountByTheirLimitOrTheirUse has one container that only claims to be a
// sandbox, and one without a limit that holds 64 MiB of a file in memory. Each changes the figures
// far more than other tests' containers do.
func TestOtherContainersCountByTheirLimitOrTheirUse(t *testing.T) {
	e, cli, image := connect(t), docker(t), imagestest.Runner(t)
	run := func(command string, memory int64, labels map[string]string) (id string) {
		c, err := cli.ContainerCreate(
			t.Context(),
			&container.Config{Image: image, Entrypoint: []string{"sh", "-c", command}, Labels: labels},
			&container.HostConfig{
				NetworkMode: "none", Tmpfs: map[string]string{"/tmp": "size=80m"},
				Resources: container.Resources{Memory: memory, MemorySwap: memory},
			},
			nil,
			nil,
			"",
		)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := cli.ContainerRemove(context.WithoutCancel(t.Context()), c.ID,
				container.RemoveOptions{Force: true}); err != nil {
				t.Error(err)
			}
		})
		if err := cli.ContainerStart(t.Context(), c.ID, container.StartOptions{}); err != nil {
			t.Fatal(err)
		}
		return c.ID
	}
	forged := run("sleep 600", 7<<30, map[string]string{sandbox.LabelInstance: "somebody"})
	if got, err := e.MemoryOf(t.Context(), forged); got != 7<<30 || err != nil {
		t.Errorf("a container of 7 GiB: got %d, %v", got, err)
	}
	if others, err := e.Others(t.Context(), testInstance); others.Rest < 7<<30 || err != nil {
		t.Errorf("it counts %d for containers that are no sandboxes, %v; want the forged one's 7 GiB among it",
			others.Rest, err)
	}
	filled := run("head -c 64m /dev/zero >/tmp/filled; sleep 600", 0, nil)
	var got int64
	var err error
	if !eventually.Within(30*time.Second, func() bool {
		got, err = e.MemoryOf(t.Context(), filled)
		return err == nil && got >= 64<<20 && got < 80<<20
	}) {
		t.Fatalf("a container that uses 64 MiB: got %d, %v", got, err)
	}
}
