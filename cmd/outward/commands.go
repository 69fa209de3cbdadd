package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// commandLines are run in this order: some change what later ones print.
var commandLines = []string{
	"", "--help", "nonsense", "--nonsense", "help run", "version", "version --help", "serve --help", "serve extra",
	"run --help", "run /nowhere", "run WORKTREE", "run --json WORKTREE", "run WORKTREE extra", "run --nonsense",
	"builds", "builds --help", "builds list --help", "builds list", "builds list --json", "builds list --repo octo/green",
	"builds list --state failed", "builds list --state nonsense", "builds list --limit 2", "builds list --limit x",
	"builds show --help", "builds show 1", "builds show 2", "builds show 3", "builds show 4", "builds show 5",
	"builds show 6",
	"builds show 7", "builds show 8", "builds show 9", "builds show 10", "builds show 11", "builds show 999",
	"builds show x", "builds show", "builds show --json 2",
	"builds log --help", "builds log 1", "builds log 2", "builds log 6", "builds log 9", "builds log 999",
	"builds log --plain 9",
	"builds log --step test 4", "builds log -f 1",
	"builds cancel --help", "builds cancel 1", "builds cancel 999", "builds rerun --help", "builds rerun 999",
	"builds rerun",
	"builds rerun --repo octo/none", "builds export --help", "builds export", "builds export --at nonsense",
	"builds export --format csv", "builds export --format json", "builds status --help", "builds status 1",
	"builds status 999", "builds status octo/green",
	"repos", "repos --help", "repos list --help", "repos list", "repos list --json", "repos add --help",
	"repos add octo/added",
	"repos add octo/added ", "repos add nonsense", "repos add", "repos limit --help", "repos limit octo/added --minutes 5",
	"repos limit octo/added --workers 1", "repos limit octo/none", "repos secret --help", "repos secret octo/added",
	"repos secret octo/none", "repos rotate --help", "repos rotate octo/added", "repos disable --help",
	"repos disable octo/added", "repos enable --help", "repos enable octo/added", "repos list ", "repos rm --help",
	"repos rm octo/added", "repos rm octo/none", "repos purge --help", "repos purge octo/none", "repos purge octo/exit",
	"repos purge --yes octo/exit", "builds list ",
	"token --help", "token --repo octo/green", "token --repo octo/* --name class", "token list", "token list --help",
	"token rm --help", "token rm 999", "token rm 1", "token list ",
	"audit --help", "audit", "audit --json", "audit --limit 2",
	"images", "images --help", "images list --help", "images list", "images build --help", "images inspect --help",
	"images inspect nonsense", "images export --help", "images import --help", "images rm --help", "images rm nonsense",
	"doctor --help", "doctor", "doctor --health", "doctor --github nonsense", "github-app --help",
}

// commands runs the command lines as the server's operator does, and a few with wrong settings.
func (v *visit) commands(ctx context.Context) error {
	tree, err := worktree()
	if err != nil {
		return err
	}
	defer os.RemoveAll(tree)
	v.alike("<worktree>", tree)
	v.alike("<vivarium>", v.binary)
	for i, line := range commandLines {
		args := strings.Fields(strings.ReplaceAll(line, "WORKTREE", tree))
		if err := v.command(fmt.Sprintf("%03d vivarium %s", i, line), v.server.Command(ctx, args...)); err != nil {
			return err
		}
	}
	for _, setting := range []string{
		"VIVARIUM_MEMROY=2GiB", "VIVARIUM_MEMORY=lots", "VIVARIUM_MEMORY=1KiB", "VIVARIUM_WORKERS=-1", "VIVARIUM_WORKERS=900",
		"VIVARIUM_TIMEOUT=soon", "VIVARIUM_RUNTIME=none", "VIVARIUM_LOG_FORMAT=xml", "VIVARIUM_DISK=1", "VIVARIUM_CPUS=0",
		"VIVARIUM_TLS_CERT=cert", "VIVARIUM_PUBLIC_URL=ftp://x", "VIVARIUM_REPOSITORIES=", "GITHUB_API_URL=nonsense",
		"VIVARIUM_KEY=short", "VIVARIUM_DATABASE_URL=mysql://x", "DOCKER_HOST=unix:///nowhere.sock",
	} {
		for _, args := range []string{"serve", "doctor", "run " + tree} {
			c := v.server.Command(ctx, strings.Fields(args)...)
			c.Env = append(c.Env, setting, "VIVARIUM_ADDR=127.0.0.1:1") // where no server can listen
			if err := v.command(setting+" vivarium "+strings.Fields(args)[0], c); err != nil {
				return err
			}
		}
	}
	return nil
}

// command writes down what a command prints, and its exit code.
func (v *visit) command(act string, c *exec.Cmd) error {
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	err := c.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("%s: %w", act, err)
	}
	return v.write(
		act, fmt.Sprintf("exit code %d\n--- stdout\n%s--- stderr\n%s", c.ProcessState.ExitCode(), &out, &errOut),
	)
}

// worktree is a folder to build that is no repository.
func worktree() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "vivarium-outward-"); err != nil {
		return "", err
	}
	for path, text := range repositories[1].files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}
