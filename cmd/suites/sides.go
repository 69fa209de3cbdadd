package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"vivarium/cmd/internal/harness"
	"vivarium/sandbox"
	"vivarium/sandbox/egress/egresstest"
)

// vivarium builds the tree, and gives what was printed: its exit code says no more than that.
func (w *world) vivarium(ctx context.Context, tree string) string {
	cmd := exec.CommandContext(ctx, w.binary, "run", tree)
	cmd.Dir = w.folder
	cmd.Env = append(harness.Environ(), "XDG_CACHE_HOME="+filepath.Join(w.folder, "index"),
		"VIVARIUM_INDEX_URL="+w.Index.URL(), "VIVARIUM_INDEX_ALLOW="+w.Host+"/32", "VIVARIUM_RUNNERS="+runners)
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// byHand is what one types who wants to run the tests: it installs the project, and runs pytest.
const byHand = `set -e
python3 -m venv --without-pip /tmp/env
python3 -m pip --python /tmp/env/bin/python install -q --no-index --find-links /tmp/wheels -e . pytest
/tmp/env/bin/python -m pytest
`

// plain runs the suite in a container with the engine's own profile and settings, apart from the
// user and the missing network, and gives what was printed. It is driven by the docker command, as
// one would do by hand.
func (w *world) plain(ctx context.Context, tree string) (string, error) {
	id, err := command(ctx, "docker", "create", "--init", "--user",
		fmt.Sprintf("%d:%d", sandbox.FirstUser, sandbox.GID), "--network", "none", "--workdir", "/tmp/tree",
		"--entrypoint", "sh", "--env", "HOME=/tmp", w.image, "-c", byHand)
	if err != nil {
		return "", err
	}
	name := strings.TrimSpace(string(id))
	defer func() {
		_, _ = command(context.WithoutCancel(ctx), "docker", "rm", "--force", name)
	}()
	for _, put := range [][2]string{{tree, "tree"}, {w.wheels, "wheels"}, {egresstest.DebianWheels, "wheels"}} {
		if err := copyTo(ctx, name, put[0], put[1]); err != nil {
			return "", err
		}
	}
	out, err := exec.CommandContext(ctx, "docker", "start", "--attach", name).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		err = nil // the suite's own exit code
	}
	return string(out), err
}

// copyTo copies a folder of this machine to one below /tmp of the container, as the user's own.
func copyTo(ctx context.Context, container, folder, name string) error {
	tar := exec.CommandContext(ctx, "tar", "-C", folder, "--transform", "s,^\\.,"+name+",", "--mode=a+rX",
		fmt.Sprintf("--owner=%d", sandbox.FirstUser), fmt.Sprintf("--group=%d", sandbox.GID), "-c", ".")
	archive, err := tar.Output()
	if err != nil {
		return fmt.Errorf("tar %s: %w", folder, err)
	}
	put := exec.CommandContext(ctx, "docker", "cp", "-", container+":/tmp")
	put.Stdin = bytes.NewReader(archive)
	if out, err := put.CombinedOutput(); err != nil {
		return fmt.Errorf("docker cp: %w: %s", err, out)
	}
	return nil
}
