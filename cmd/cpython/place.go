package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"vivarium/sandbox"
)

// place is where tests run. world.tests closes it.
type place interface {
	put(ctx context.Context, folder string) error // puts the suite and its runner into the workspace
	run(ctx context.Context, argv []string, out io.Writer) (ended string, err error)
	close() error
}

const (
	instance = "vivarium-cpython"
	// lifetime is longer than any module takes.
	lifetime = time.Hour
)

// sandboxed is a sandbox as builds get it, with the default limits.
type sandboxed struct{ *sandbox.Sandbox }

func startSandbox(ctx context.Context, e *sandbox.Engine, image string) (sandboxed, error) {
	s, err := e.Start(ctx, sandbox.Spec{
		Image: image, Instance: instance, Deadline: time.Now().Add(lifetime), Limits: sandbox.DefaultLimits(e.Info()),
	})
	return sandboxed{s}, err
}

func (s sandboxed) put(ctx context.Context, folder string) error {
	return withSuite(folder, "", func(tar io.Reader) error { return s.PutArchive(ctx, sandbox.Workspace, tar) })
}

func (s sandboxed) run(ctx context.Context, argv []string, out io.Writer) (string, error) {
	r, err := s.Run(ctx, sandbox.Command{Argv: argv}, func(_ sandbox.Stream, p []byte) error {
		_, err := out.Write(p)
		return err
	})
	if err != nil || r.Success() {
		return "", err
	}
	return fmt.Sprintf("%+v", r), nil
}

func (s sandboxed) close() error { return s.Close() }

// plain is a container with the engine's own profile and settings, apart from the user and the
// missing network. It is driven by the docker command, as one would do by hand.
type plain struct{ id string }

func startPlain(ctx context.Context, image string) (plain, error) {
	// The engine's own init reaps processes, as vivarium-init does.
	id, err := docker(ctx, nil, "run", "--detach", "--rm", "--init", "--network", "none", "--user",
		fmt.Sprintf("%d:%d", sandbox.FirstUser, sandbox.GID),
		"--label", sandbox.LabelInstance+"="+instance+"-plain", "--entrypoint", "sleep", image,
		fmt.Sprint(int(lifetime.Seconds())))
	return plain{strings.TrimSpace(id)}, err
}

func (p plain) put(ctx context.Context, folder string) error {
	return withSuite(folder, strings.TrimPrefix(sandbox.Workspace, "/"), func(tar io.Reader) error {
		_, err := docker(ctx, tar, "cp", "-", p.id+":/")
		return err
	})
}

func (p plain) run(ctx context.Context, argv []string, out io.Writer) (string, error) {
	args := []string{"exec", "--workdir", sandbox.Workspace}
	for _, setting := range sandbox.BaseEnv() {
		args = append(args, "--env", setting)
	}
	cmd := exec.CommandContext(ctx, "docker", append(append(args, p.id), argv...)...)
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		return err.Error(), nil
	}
	return "", err
}

func (p plain) close() error {
	_, err := docker(context.Background(), nil, "rm", "--force", p.id)
	return err
}

// docker runs the docker command and gives what it printed.
func docker(ctx context.Context, in io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", args[0], err, bytes.TrimSpace(errs.Bytes()))
	}
	return out.String(), nil
}
