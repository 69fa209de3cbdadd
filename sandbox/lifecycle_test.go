package sandbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"vivarium/images/imagestest"
	"vivarium/sandbox"
)

func TestStartNeedsTheImage(t *testing.T) {
	e := connect(t)
	_, err := e.Start(t.Context(), spec(e, "vivarium/nosuchimage:none"))
	if !errors.Is(err, sandbox.ErrNoImage) {
		t.Errorf("got %v, want ErrNoImage", err)
	}
}

func TestStartRefusesARuntimeTheEngineLacks(t *testing.T) {
	e := connect(t)
	sp := spec(e, imagestest.Runner(t))
	sp.Runtime = "nosuchruntime"
	_, err := e.Start(t.Context(), sp)
	if err == nil || !strings.Contains(err.Error(), `no runtime "nosuchruntime"`) ||
		!strings.Contains(err.Error(), "runc") {
		t.Errorf("got %v, want the runtime and those that there are", err)
	}
}

func TestStartRemovesWhatDidNotStart(t *testing.T) {
	e, cli := connect(t), docker(t)
	sp := spec(e, imagestest.Runner(t))
	sp.Instance = testInstance + "-failing"
	tools := "vivarium/tools:python-3.11" // has no vivarium-init
	sp.Image = tools
	if _, err := e.Start(t.Context(), sp); err == nil || !strings.Contains(err.Error(), sandbox.InitPath) {
		t.Errorf("got %v, want an error that names PID 1", err)
	}
	left, err := cli.ContainerList(t.Context(), container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", sandbox.LabelInstance+"="+sp.Instance)),
	})
	if err != nil || len(left) != 0 {
		t.Errorf("containers left: %v, %v", left, err)
	}
}

func TestStartReturnsTheCauseOfItsCancellation(t *testing.T) {
	e := connect(t)
	cause := errors.New("not any more")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := e.Start(ctx, spec(e, imagestest.Runner(t))); !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause", err)
	}
}

func TestClosedSandboxIsGone(t *testing.T) {
	cli := docker(t)
	s := start(t, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := cli.ContainerInspect(t.Context(), s.ContainerID()); err == nil {
		t.Error("the container is still there")
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
	if _, err := s.Run(t.Context(), shell("true"), nil); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("Run after Close: %v, want ErrClosed", err)
	}
}

func TestSweepRemovesOnlyWhatIsStale(t *testing.T) {
	e, image := connect(t), imagestest.Runner(t)
	instance := testInstance + "-sweep"
	open := func(deadline time.Time) *sandbox.Sandbox {
		sp := spec(e, image)
		sp.Instance, sp.Deadline = instance, deadline
		s, err := e.Start(t.Context(), sp)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	fresh := open(time.Now().Add(time.Minute))
	if n, err := e.Sweep(t.Context(), instance, false); n != 0 || err != nil {
		t.Errorf("swept %d, %v; want none", n, err)
	}
	mustRun(t, fresh, shell("true"))
	if n, err := e.Sweep(t.Context(), instance, true); n != 1 || err != nil {
		t.Errorf("swept %d of all, %v; want 1", n, err)
	}
}

// TestSweepRemovesWhatAnInstanceThatIsGoneHasLeft: one instance finds containers that others
// created and never started.
func TestSweepRemovesWhatAnInstanceThatIsGoneHasLeft(t *testing.T) {
	e, cli, image := connect(t), docker(t), imagestest.Runner(t)
	created := func(deadline time.Time) (id string) {
		sp := spec(e, image)
		sp.Instance, sp.Deadline = testInstance+"-gone", deadline
		config, host := sandbox.Settings(sp, e.Info())
		c, err := cli.ContainerCreate(t.Context(), &config, &host, nil, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cli.ContainerRemove(context.WithoutCancel(t.Context()), c.ID,
				container.RemoveOptions{Force: true}) // if it is there
		})
		return c.ID
	}
	overdue, needed := created(time.Now().Add(-2*time.Minute)), created(time.Now().Add(time.Minute))
	if n, err := e.Sweep(t.Context(), testInstance+"-finder", true); n == 0 || err != nil {
		t.Errorf("swept %d, %v; want one at least", n, err)
	}
	if _, err := cli.ContainerInspect(t.Context(), overdue); err == nil {
		t.Error("a container that was never started and is past its deadline is still there")
	}
	if _, err := cli.ContainerInspect(t.Context(), needed); err != nil {
		t.Errorf("one that its own server may be about to start is gone: %v", err)
	}
}
