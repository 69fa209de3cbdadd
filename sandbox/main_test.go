package sandbox_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vivarium/images/imagestest"
	"vivarium/sandbox"
)

// childImage makes the test binary a server that starts a sandbox and is then killed.
const childImage = "VIVARIUM_TEST_CHILD_IMAGE"

func TestMain(m *testing.M) {
	if image := os.Getenv(childImage); image != "" {
		if err := child(image); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}

// child prints the container's ID once a command runs in it, and never ends by itself.
func child(image string) error {
	ctx := context.Background()
	e, err := sandbox.Connect(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	s, err := e.Start(ctx, spec(e, image))
	if err != nil {
		return err
	}
	_, err = s.Run(
		ctx,
		sandbox.Command{Argv: []string{"sh", "-c", "echo; sleep 300 & wait"}},
		func(sandbox.Stream, []byte) error {
			_, err := fmt.Println(s.ContainerID())
			return err
		},
	)
	return err
}

const testInstance = "vivarium-sandbox-test"

func spec(e *sandbox.Engine, image string) sandbox.Spec {
	l := sandbox.DefaultLimits(e.Info())
	l.Memory, l.Disk, l.FileSize = 256<<20, 96<<20, 96<<20
	return sandbox.Spec{
		Image: image, Instance: testInstance, Runtime: imagestest.Runtime(),
		Deadline: time.Now().Add(5 * time.Minute), Limits: l,
	}
}

func connect(t testing.TB) *sandbox.Engine {
	t.Helper()
	imagestest.RequireEngine(t)
	e, err := sandbox.Connect(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close engine: %v", err)
		}
	})
	return e
}

// start starts a sandbox of the tests' own spec after change has changed it.
func start(t testing.TB, change func(*sandbox.Spec)) *sandbox.Sandbox {
	t.Helper()
	e := connect(t)
	sp := spec(e, imagestest.Runner(t))
	if change != nil {
		change(&sp)
	}
	s, err := e.Start(t.Context(), sp)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close sandbox: %v", err)
		}
	})
	return s
}

// output is what a command wrote.
type output struct{ stdout, stderr strings.Builder }

func (o *output) take(stream sandbox.Stream, p []byte) error {
	w := io.Writer(&o.stdout)
	if stream == sandbox.Stderr {
		w = &o.stderr
	}
	_, err := w.Write(p)
	return err
}

// run runs a command, and fails the test when it cannot be run.
func run(t testing.TB, s *sandbox.Sandbox, c sandbox.Command) (sandbox.Result, *output) {
	t.Helper()
	o := new(output)
	r, err := s.Run(t.Context(), c, o.take)
	if err != nil {
		t.Fatalf("run %q: %v (stderr: %s)", c.Argv, err, o.stderr.String())
	}
	return r, o
}

func shell(script string) sandbox.Command { return sandbox.Command{Argv: []string{"sh", "-c", script}} }

func python(script string) sandbox.Command {
	return sandbox.Command{Argv: []string{"python3", "-c", script}}
}

// mustRun runs a command that must succeed and returns its stdout.
func mustRun(t testing.TB, s *sandbox.Sandbox, c sandbox.Command) string {
	t.Helper()
	r, o := run(t, s, c)
	if !r.Success() {
		t.Fatalf("run %q: %+v; stderr: %s", c.Argv, r, o.stderr.String())
	}
	return o.stdout.String()
}
