package images_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"

	"vivarium/images"
	"vivarium/images/imagestest"
	"vivarium/sandbox"
)

// unpackSeed is how a build makes its environment.
const unpackSeed = "tar -C " + sandbox.Env + " -xf " + sandbox.Seed

// bench is a test's own part of the engine: a name and a repository that nothing else uses.
type bench struct {
	*images.Manager
	cli      *client.Client
	name     string
	initDir  string
	runners  string
	mu       sync.Mutex
	replaced []string // images that may have lost their name
}

const toolsRepo, baseRepo = "vivarium/tools", "vivarium/base"

// newBench makes a bench whose image has its tools layer, the shared one, and no runner image yet.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := newEmptyBench(t)
	imagestest.Runner(t) // makes the shared layer
	b.tag(t, toolsRepo+":"+images.Default, toolsRepo+":"+b.name)
	return b
}

func newEmptyBench(t *testing.T) *bench {
	t.Helper()
	imagestest.RequireEngine(t)
	cli, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	id := strings.ToLower(rand.Text()[:8])
	b := &bench{cli: cli, name: "test-" + id, initDir: t.TempDir(), runners: "vivarium-test/images-" + id}
	b.setInit(t, "first")
	b.Manager = b.open(t)
	t.Cleanup(func() {
		// A replaced image is kept for a while, but a test needs none of its own any longer.
		for _, i := range b.replaced {
			b.cli.ImageRemove(context.Background(), i, image.RemoveOptions{PruneChildren: true})
		}
		for _, repo := range []string{b.runners, toolsRepo, baseRepo} {
			_, err := cli.ImageRemove(context.Background(), repo+":"+b.name, image.RemoveOptions{PruneChildren: true})
			if err != nil && !errdefs.IsNotFound(err) {
				t.Errorf("remove %s:%s: %v", repo, b.name, err)
			}
		}
		cli.Close()
	})
	return b
}

func (b *bench) open(t *testing.T) *images.Manager {
	t.Helper()
	m, err := images.Open(t.Context(), images.Options{InitDir: b.initDir, Runners: b.runners})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// setInit changes the vivarium-init of this bench's managers; nothing here runs it.
func (b *bench) setInit(t *testing.T, content string) {
	t.Helper()
	for _, arch := range []string{"amd64", "arm64"} {
		if err := os.WriteFile(filepath.Join(b.initDir, "vivarium-init-linux-"+arch), []byte(content),
			0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func (b *bench) willBeReplaced(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.replaced = append(b.replaced, id)
}

func (b *bench) tag(t *testing.T, from, to string) {
	t.Helper()
	if err := b.cli.ImageTag(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) inspect(t *testing.T, ref string) image.InspectResponse {
	t.Helper()
	i, err := b.cli.ImageInspect(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// output runs a shell script in an image as builds run: as its user, without network.
func (b *bench) output(t *testing.T, ref, script string) string {
	t.Helper()
	c, err := b.cli.ContainerCreate(t.Context(), &container.Config{
		Image: ref, Entrypoint: []string{"/bin/sh", "-euc"}, Cmd: []string{script},
	}, &container.HostConfig{
		NetworkMode: "none", ReadonlyRootfs: true,
		Tmpfs: map[string]string{sandbox.Env: "uid=10001,gid=10001,exec", sandbox.Tmp: "exec"},
	}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer b.cli.ContainerRemove(context.WithoutCancel(t.Context()), c.ID, container.RemoveOptions{Force: true})
	ended, failed := b.cli.ContainerWait(t.Context(), c.ID, container.WaitConditionNextExit)
	if err := b.cli.ContainerStart(t.Context(), c.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	var status int64
	select {
	case e := <-ended:
		status = e.StatusCode
	case err := <-failed:
		t.Fatal(err)
	}
	logs, err := b.cli.ContainerLogs(t.Context(), c.ID, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &out, logs); err != nil {
		t.Fatal(err)
	}
	if status != 0 {
		t.Fatalf("exit status %d:\n%s", status, &out)
	}
	return out.String()
}

func TestRunnerImageHoldsWhatABuildNeeds(t *testing.T) {
	b := newBench(t)
	img, err := b.Resolve(t.Context(), b.name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(img.Python, "3.11.") || img.Base == "" || img.Size == 0 || img.Created.IsZero() ||
		img.Arch == "" {
		t.Errorf("image = %+v, want Python 3.11 and every other field", img)
	}
	c := b.inspect(t, img.ID).Config
	if c.User != "10001:10001" || !slices.Equal(c.Entrypoint, []string{sandbox.InitPath}) || len(c.Cmd) != 0 {
		t.Errorf("User %q, Entrypoint %q, Cmd %q; want 10001:10001, %s and none", c.User, c.Entrypoint, c.Cmd,
			sandbox.InitPath)
	}
	out := b.output(t, img.ID, `
		id -un
		readlink /etc/passwd
		grep ^root: /opt/vivarium/passwd
		test -x `+sandbox.InitPath+`
		test -d `+sandbox.Workspace+` && test -d `+sandbox.Home+`
		git --version
		`+unpackSeed+`
		PATH=`+sandbox.Env+`/bin:$PATH
		pip --version
		python -c 'import sys, setuptools; print(sys.prefix)'
		python -c 'import flake8' 2>/dev/null && echo the environment sees the flake8 of the image
		printf 'def f(:\n' >/tmp/wrong.py
		python3 -m venv --help >/dev/null
		/usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin python3 -m flake8 --select E9 /tmp/wrong.py || true
		find `+sandbox.Env+`/lib -name '*.py' | while read -r f; do
			test -e "$(dirname "$f")/__pycache__/$(basename "$f" .py).cpython-311.pyc" || echo "not compiled: $f"
		done`)
	for _, want := range []string{
		"vivarium\n", sandbox.Names + "/passwd\nroot:", "git version ", "pip ", "from " + sandbox.Env,
		"\n" + sandbox.Env + "\n", "E999 SyntaxError",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q", want)
		}
	}
	for _, not := range []string{"not compiled", "sees the flake8"} {
		if strings.Contains(out, not) {
			t.Errorf("output has %q", not)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

func TestNewInitReplacesTheLastLayerOnlyAndRunsNothing(t *testing.T) {
	b := newBench(t)
	first, err := b.Resolve(t.Context(), b.name)
	if err != nil {
		t.Fatal(err)
	}
	b.willBeReplaced(first.ID)
	again, err := b.Resolve(t.Context(), b.name)
	if err != nil || again.ID != first.ID {
		t.Fatalf("same init: image %s, %v; want %s", again.ID, err, first.ID)
	}
	b.setInit(t, "second")
	second, err := b.Resolve(t.Context(), b.name)
	if err != nil {
		t.Fatal(err)
	}
	if second.Init == first.Init || second.ID == first.ID {
		t.Fatalf("image %s with init %s after the init changed, want another", second.ID, second.Init)
	}
	was, is := b.inspect(t, first.ID).RootFS.Layers, b.inspect(t, second.ID).RootFS.Layers
	last := len(was) - 1
	if len(is) != len(was) || !slices.Equal(is[:last], was[:last]) || is[last] == was[last] {
		t.Errorf("layers were %q and are %q, want them to differ in the last only", was, is)
	}
	if got := b.output(t, second.ID, "cat "+sandbox.InitPath); got != "second" {
		t.Errorf("init in image = %q, want the new one", got)
	}
	if second.Python != first.Python || second.Base != first.Base {
		t.Errorf("image = %+v, want Python and base of %+v", second, first)
	}
}

func TestConcurrentCallersGetOneWholeImage(t *testing.T) {
	b := newBench(t)
	other := b.open(t) // stands for another process
	var wg sync.WaitGroup
	for i := range 6 {
		m := b.Manager
		if i%2 == 1 {
			m = other
		}
		wg.Go(func() {
			img, err := m.Ensure(t.Context(), b.name, io.Discard)
			if err != nil {
				t.Errorf("Ensure: %v", err)
				return
			}
			b.willBeReplaced(img.ID)
			// Whichever image won the name: ours is there and whole.
			if i, err := b.cli.ImageInspect(t.Context(), img.ID); err != nil ||
				!slices.Equal(i.Config.Entrypoint, []string{sandbox.InitPath}) {
				t.Errorf("image %s: %v, want one with our init", img.ID, err)
			}
		})
	}
	wg.Wait()
	list, err := b.List(t.Context())
	if err != nil || len(list) != 1 || list[0].Name != b.name {
		t.Errorf("List() = %+v, %v; want %s alone", list, err, b.name)
	}
}

func TestExportedImageCanBeImportedAfterItsRemoval(t *testing.T) {
	b := newBench(t)
	was, err := b.Resolve(t.Context(), b.name)
	if err != nil {
		t.Fatal(err)
	}
	layers := b.inspect(t, was.ID).RootFS.Layers
	file := filepath.Join(t.TempDir(), "image.tar")
	export(t, b, file)

	if err := b.Remove(t.Context(), b.name); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Resolve(t.Context(), b.name); !errors.Is(err, images.ErrNotFound) {
		t.Fatalf("Resolve of a removed image: %v, want %v", err, images.ErrNotFound)
	}
	if err := b.Remove(t.Context(), b.name); !errors.Is(err, images.ErrNotFound) {
		t.Fatalf("Remove of a removed image: %v, want %v", err, images.ErrNotFound)
	}

	is, kind, err := importFile(t, b, "", file)
	if err != nil {
		t.Fatal(err)
	}
	if kind != images.KindExport || is.Name != b.name || is.Init != was.Init || is.Python != was.Python ||
		is.Base != was.Base {
		t.Errorf("Import() = %+v, %q; want %+v, %q", is, kind, was, images.KindExport)
	}
	if got := b.inspect(t, is.ID).RootFS.Layers; !slices.Equal(got, layers) {
		t.Errorf("layers = %q, want %q", got, layers)
	}
	// The lower layers were imported too, so a newer binary can still put its init on them.
	b.willBeReplaced(is.ID)
	b.setInit(t, "newer")
	newer, err := b.Resolve(t.Context(), b.name)
	if err != nil || newer.Init == was.Init {
		t.Errorf("Resolve with a newer init = %+v, %v; want an image with that", newer, err)
	}
}

func export(t *testing.T, b *bench, file string) {
	t.Helper()
	w, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := b.Export(t.Context(), b.name, w); err != nil {
		t.Fatal(err)
	}
}

func importFile(t *testing.T, b *bench, name, file string) (images.Image, images.Kind, error) {
	t.Helper()
	r, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return b.Import(t.Context(), name, r, t.Output())
}
