package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"time"

	"vivarium/cmd/internal/harness"
	"vivarium/pipeline/python"
	"vivarium/pipeline/shell"
	"vivarium/sandbox"
)

// docker runs containers by the docker command, as one would do by hand.
type docker struct {
	image string
	label string // on every container, to remove what a cancel left
}

// bridgeGateway is the host's address on the engine's default bridge.
func bridgeGateway(ctx context.Context) (string, error) {
	name, err := run(ctx, "docker", "network", "inspect", "bridge", "--format",
		`{{index .Options "com.docker.network.bridge.name"}}`)
	if err != nil {
		return "", fmt.Errorf("find the default bridge: %w", err)
	}
	bridge, err := net.InterfaceByName(strings.TrimSpace(name))
	if err != nil {
		return "", fmt.Errorf("find the default bridge: %w: the engine must run on this machine", err)
	}
	addrs, err := bridge.Addrs()
	if err != nil {
		return "", fmt.Errorf("find the default bridge's address: %w", err)
	}
	for _, addr := range addrs {
		if ip, ok := addr.(*net.IPNet); ok && ip.IP.To4() != nil {
			return ip.IP.String(), nil
		}
	}
	return "", fmt.Errorf("the default bridge %s has no IPv4 address", bridge.Name)
}

// script times one container that does what a build of sha does.
func (d docker) script(ctx context.Context, w *harness.World, sha string,
	files map[string]string) (time.Duration, error) {
	plan, err := planOf(files)
	if err != nil {
		return 0, err
	}
	args := []string{"run", "--rm", "--label", d.label, "--entrypoint", "/bin/sh", "--workdir", sandbox.Workspace}
	for _, e := range append(sandbox.BaseEnv(), "PIP_INDEX_URL="+w.Index.URL(), "PIP_TRUSTED_HOST="+w.Host) {
		args = append(args, "--env", e)
	}
	args = append(args, d.image, "-euc", scriptOf(plan, w.Git.RepoURL(smallRepo).String(), sha))
	begin := time.Now()
	_, err = run(ctx, "docker", args...)
	return time.Since(begin), err
}

// scriptOf is a build's commands as one would write them down. As in a build, the virtual
// environment has no pip of its own: the one outside of it installs the packages.
func scriptOf(plan python.Plan, repo, sha string) string {
	lines := []string{
		"git init -q",
		"git fetch -q --depth=1 --no-tags " + repo + " " + sha,
		"git checkout -q --detach FETCH_HEAD",
		"python3 -m venv --without-pip " + sandbox.Env,
	}
	for _, c := range plan.Install {
		arguments := c.Argv[slices.Index(c.Argv, "pip")+1:]
		lines = append(lines, "python3 -I -u -m pip --python "+sandbox.Env+" "+shell.Line(arguments))
	}
	return strings.Join(append(lines, python.Lines(plan.Lint), python.Lines(plan.Test)), "\n")
}

// nothing times the shortest container there is.
func (d docker) nothing(ctx context.Context) (time.Duration, error) {
	begin := time.Now()
	_, err := run(ctx, "docker", "run", "--rm", "--label", d.label, "--entrypoint", "/bin/true", d.image)
	return time.Since(begin), err
}

// removeAll removes what is left of this run's containers.
func (d docker) removeAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	left, err := run(ctx, "docker", "ps", "--all", "--quiet", "--filter", "label="+d.label)
	if err != nil || left == "" {
		return err
	}
	_, err = run(ctx, "docker", append([]string{"rm", "--force", "--volumes"}, strings.Fields(left)...)...)
	return err
}

// run runs a command and gives its output. If it fails, the error holds all that it printed.
func run(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, args[0], errors.Join(err, context.Cause(ctx)),
			bytes.TrimSpace(append(errs.Bytes(), out.Bytes()...)))
	}
	return out.String(), nil
}
