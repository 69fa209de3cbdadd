// Command demo shows the path of a push, end to end and on this machine alone: a signed
// delivery, a sandboxed build with a live log, and commit statuses. It starts
// `vivarium serve` beside stand-ins for the git host, the package index and GitHub, and
// exits with the build's verdict, as `vivarium run` does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"vivarium/cmd/internal/harness"
	"vivarium/images"
	"vivarium/sandbox/egress/egresstest"
	"vivarium/server/github/githubtest"
	"vivarium/server/github/githubtest/events"
)

const (
	repo = "vivarium-demo/hello"
	// readyTimeout is enough to add a layer to the runner image. Its base takes longer and is made
	// before.
	readyTimeout = 2 * time.Minute
	buildTimeout = 10 * time.Minute
)

func main() {
	binary := flag.String("vivarium", "bin/vivarium", "the `program` to start; make build makes it")
	example := flag.String("repository", "examples/hello", "the `folder` to commit and push")
	keep := flag.Bool("keep", false, "stay up afterwards, to look at the build in a browser")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(),
			"Usage: go run ./cmd/demo [flags]\n\nExample: go run ./cmd/demo -keep\n\n")
		flag.PrintDefaults()
	}
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	d := &demo{console: newConsole(os.Stdout), binary: *binary, example: *example, keep: *keep}
	code, err := d.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
		code = 2
	}
	os.Exit(code)
}

type demo struct {
	*console
	binary, example string
	keep            bool
}

// run runs the whole demo and gives the exit code of the build's verdict.
func (d *demo) run(ctx context.Context) (code int, err error) {
	if err := d.image(ctx); err != nil {
		return 0, err
	}
	d.phase("A git host, a package index and a stand-in for GitHub's API")
	world, err := harness.NewWorld(harness.Options{OnStatus: d.status})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	files, err := egresstest.ReadFiles(d.example)
	if err != nil {
		return 0, err
	}
	sha, err := world.Commit(ctx, repo, "Add "+filepath.Base(d.example), files)
	if err != nil {
		return 0, err
	}
	d.say("%s, commit %.12s, made of %s", world.Git.RepoURL(repo), sha, d.example)
	d.say("%s, the package index", world.Index.URL())
	d.say("%s, GitHub's API", world.GitHub.URL())

	d.phase("%s serve", d.binary)
	server, err := world.Serve(d.binary)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.stop(server)) }()
	waiting, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := server.WaitReady(waiting); err != nil {
		return 0, err
	}
	d.say("ready at %s, process %d", server.URL, server.PID())
	if code, err = d.build(ctx, world, server, sha); err != nil {
		return 0, fmt.Errorf("%w; the server's last words:\n%s", err, server.LastWords())
	}
	if d.keep {
		d.phase("Still up: open %s, and end it with Ctrl-C", server.URL)
		<-ctx.Done()
	}
	return code, nil
}

// image makes the runner image if the engine has none: from nothing this takes a minute or more.
func (d *demo) image(ctx context.Context) error {
	d.phase("Runner image %s", images.Default)
	inspect := d.vivarium(ctx, "images", "inspect", images.Default)
	if inspect.Run() == nil {
		d.say("the engine has it")
		return nil
	}
	d.say("the engine has none: vivarium images build")
	build := d.vivarium(ctx, "images", "build", images.Default)
	build.Stdout, build.Stderr = d.console, d.console
	if err := build.Run(); err != nil {
		return fmt.Errorf("make the runner image: %w", errors.Join(err, context.Cause(ctx)))
	}
	return nil
}

func (d *demo) vivarium(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.binary, args...)
	cmd.Env = harness.Environ()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

func (d *demo) status(st githubtest.Status) {
	d.event("GitHub is told %s: %q, %s", st.State, st.Description, st.TargetURL)
}

// build pushes the commit, follows the log, and prints the verdict.
func (d *demo) build(ctx context.Context, world *harness.World, server *harness.Server, sha string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	d.phase("A signed push delivery")
	pushed := time.Now()
	id, err := server.Push(ctx,
		events.Push{Repo: repo, SHA: sha, Author: "demo", Message: "Add " + filepath.Base(d.example)})
	if err != nil {
		return 0, err
	}
	d.event("202 after %s: build %s is queued", time.Since(pushed).Round(time.Millisecond), id)

	d.phase("The live log of %s", server.BuildURL(id))
	if err := server.Follow(ctx, id, d.console); err != nil {
		return 0, err
	}
	d.flush()
	final, err := world.GitHub.WaitFinal(ctx, sha)
	if err != nil {
		return 0, err
	}
	b, err := server.Build(ctx, id)
	if err != nil {
		return 0, err
	}
	code, err := d.verdict(b, world.GitHub.Statuses(), final.Time.Sub(pushed))
	if err != nil {
		return 0, err
	}
	if d.keep {
		d.say("page       %s", server.BuildURL(id))
	} else {
		d.say("page       gone with the server; `go run ./cmd/demo -keep` leaves it up, to look at in a browser")
	}
	return code, nil
}

func (d *demo) stop(server *harness.Server) error {
	d.phase("Stop the server and the stand-ins")
	return server.Stop()
}
