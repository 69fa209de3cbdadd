// Package imagestest gives tests the default runner image with the vivarium-init of the source that
// they are compiled from.
//
// The image has a name of its own, vivarium-test/runner-HASH:python-3.11, where HASH is that of the
// init. So it touches neither an operator's images nor the tests of another checkout. It shares
// with them only the layer below, vivarium/tools:python-3.11, which takes minutes to make, and only
// once on an engine.
package imagestest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"github.com/gofrs/flock"

	"vivarium/images"
)

// RequireEngine skips the test when no engine answers, or fails it when VIVARIUM_REQUIRE_ENGINE is
// 1.
func RequireEngine(t testing.TB) {
	t.Helper()
	err := engineErr()
	switch {
	case err == nil:
	case os.Getenv("VIVARIUM_REQUIRE_ENGINE") == "1":
		t.Fatalf("this test needs a Docker engine: %v", err)
	default:
		t.Skipf("this test needs a Docker engine: %v", err)
	}
}

// Runtime is the runtime with which tests start their sandboxes, VIVARIUM_RUNTIME; empty for the
// engine's default.
func Runtime() string { return os.Getenv("VIVARIUM_RUNTIME") }

// GVisor reports whether Runtime is gVisor's, whose own kernel answers in place of the host's.
// docs/gvisor.md says what then holds instead of what holds on runc.
func GVisor() bool { return Runtime() == "runsc" }

var engineErr = sync.OnceValue(func() error {
	_, err := engineArch(context.Background())
	return err
})

// Runner returns the engine's ID of the default runner image, and makes the image when it is
// missing.
func Runner(t testing.TB) string {
	t.Helper()
	img, err := Manager(t).Resolve(t.Context(), images.Default)
	if err != nil {
		t.Fatalf("resolve runner image: %v", err)
	}
	return img.ID
}

// Options say where the tests' own runner images are, for tests that start a vivarium of their own.
// The default image exists.
func Options(t testing.TB) images.Options {
	t.Helper()
	RequireEngine(t)
	ready.Do(func() { ready.o, ready.err = prepare(t.Output()) })
	if ready.err != nil {
		t.Fatalf("make runner image for tests: %v", ready.err)
	}
	return ready.o
}

// Manager returns a manager of the tests' own runner images. The default image exists.
func Manager(t testing.TB) *images.Manager {
	t.Helper()
	m, err := images.Open(t.Context(), Options(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

var ready struct {
	sync.Once
	o   images.Options
	err error
}

// prepareTimeout is shorter than the timeout of a test binary, so that the reason is seen.
const prepareTimeout = 9 * time.Minute

// prepare makes the init and the image. Other test binaries wait for the lock, and then find both.
func prepare(progress io.Writer) (o images.Options, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), prepareTimeout)
	defer cancel()
	arch, err := engineArch(ctx)
	if err != nil {
		return o, err
	}
	cache, err := cacheDir()
	if err != nil {
		return o, err
	}
	lock := flock.New(filepath.Join(cache, "lock"))
	if _, err := lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return o, fmt.Errorf("wait for the test that makes the runner image: %w", err)
	}
	defer lock.Close()
	dir, sum, err := findInit(ctx, cache, arch)
	if err != nil {
		return o, err
	}
	o = images.Options{InitDir: dir, Runners: testRepo + sum[:12]}
	m, err := images.Open(ctx, o)
	if err != nil {
		return o, err
	}
	defer m.Close()
	if _, err := m.Resolve(ctx, images.Default); err == nil {
		return o, nil
	}
	if _, err := m.Ensure(ctx, images.Default, progress); err != nil {
		return o, err
	}
	return o, removeOld(ctx, o.Runners)
}

func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	dir := filepath.Join(base, "vivarium-test")
	return dir, os.MkdirAll(dir, 0o700)
}

// findInit returns the directory of the vivarium-init to test, and its hash: the one in
// VIVARIUM_INIT_DIR, which a machine without Go must have, or else one built from this source.
func findInit(ctx context.Context, cache, arch string) (dir, sum string, err error) {
	name := "vivarium-init-linux-" + arch
	if dir := os.Getenv("VIVARIUM_INIT_DIR"); dir != "" {
		sum, err := hashOf(filepath.Join(dir, name))
		return dir, sum, err
	}
	return buildInit(ctx, cache, name, arch)
}

func hashOf(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(data)
	return hex.EncodeToString(hash[:]), nil
}

// buildInit compiles vivarium-init as `make build` does and stores it under its hash, where it
// never changes.
func buildInit(ctx context.Context, cache, name, arch string) (dir, sum string, err error) {
	made, err := os.MkdirTemp(cache, "build-")
	if err != nil {
		return "", "", err
	}
	defer os.RemoveAll(made)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w",
		"-o", filepath.Join(made, name), "vivarium/cmd/vivarium-init")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=")
	if overlay := os.Getenv("VIVARIUM_TEST_OVERLAY"); overlay != "" { // of a mutant: see cmd/attack/mutants
		cmd.Args = slices.Insert(cmd.Args, 2, "-overlay="+overlay)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("build vivarium-init: %w:\n%s", err, out)
	}
	if sum, err = hashOf(filepath.Join(made, name)); err != nil {
		return "", "", err
	}
	dir = filepath.Join(cache, "init-"+sum[:12])
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return "", "", err
	}
	return dir, sum, os.Rename(filepath.Join(made, name), filepath.Join(dir, name))
}

func engineArch(ctx context.Context) (string, error) {
	cli, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return "", err
	}
	defer cli.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	v, err := cli.ServerVersion(ctx)
	return v.Arch, err
}

const (
	testRepo = "vivarium-test/runner-"
	// oldAge is the time after which another source's image is no longer in use.
	oldAge = 24 * time.Hour
)

// removeOld removes the tests' images of sources that are gone.
func removeOld(ctx context.Context, current string) error {
	cli, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return err
	}
	defer cli.Close()
	found, err := cli.ImageList(ctx, image.ListOptions{
		Filters: filters.NewArgs(filters.Arg("reference", testRepo+"*:*")),
	})
	if err != nil {
		return fmt.Errorf("list images of earlier tests: %w", err)
	}
	for _, i := range found {
		for _, tag := range i.RepoTags {
			if tag == current+":"+images.Default || time.Since(time.Unix(i.Created, 0)) < oldAge {
				continue
			}
			// After a failure the image is left for the next time; that is no reason to fail a
			// test.
			_, _ = cli.ImageRemove(ctx, tag, image.RemoveOptions{PruneChildren: true})
		}
	}
	return nil
}
