// Command outward writes down what one vivarium binary shows to the outside: its answers to a
// recorded set of deliveries, every route for every kind of visitor, the commit statuses, the logs,
// and what its commands print. Times, ids, ports and measured figures are made alike, so that two
// versions' folders are compared by diff: what differs is what a user would see.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"vivarium/cmd/internal/harness"
	"vivarium/sandbox/egress/egresstest"
)

const (
	// readyTimeout lets a version put its init into the runner image first.
	readyTimeout = 10 * time.Minute
	buildTimeout = 10 * time.Minute
)

func main() {
	binary := flag.String("vivarium", "bin/vivarium", "the `program` to look at")
	into := flag.String("into", "", "the `folder` to write to; it must not be there yet")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), "Usage: go run ./cmd/outward -vivarium PROGRAM -into FOLDER\n\n"+
			"For two versions, and then: diff -ru OLD NEW. DOCKER_HOST and VIVARIUM_RUNNERS are passed on:\n"+
			"an older version needs an engine of its own, since it would replace the images of this one's.\n\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := record(ctx, *binary, *into)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "outward:", err)
		os.Exit(1)
	}
}

// visit is one server in its world, and what was seen of it.
type visit struct {
	*transcript
	world  *harness.World
	server *harness.Server
	binary string
	builds []string // their ids
	green  string   // the first build's commit
	token  string   // an operator's
}

func record(ctx context.Context, binary, into string) (err error) {
	if into == "" {
		return errors.New("-into says where to write")
	}
	if err := os.Mkdir(into, 0o755); err != nil {
		return err
	}
	world, err := harness.NewWorld(harness.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	if err := world.Index.AddDir(egresstest.DebianWheels); err != nil {
		return fmt.Errorf("an index without setuptools builds no project: %w", err)
	}
	server, err := world.Serve(binary, "VIVARIUM_WORKERS=1")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	waiting, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := server.WaitReady(waiting); err != nil {
		return err
	}
	v := &visit{transcript: newTranscript(into), world: world, server: server, binary: binary}
	v.alike("<server>", server.URL)
	v.alike("<git host>", world.Git.URL())
	v.alike("<index>", world.Index.URL())
	v.alike("<api>", world.GitHub.URL())
	v.alike("<data>", server.DataDir)
	version, err := server.Command(ctx, "version").Output()
	if err != nil {
		return fmt.Errorf("ask for the version: %w", err)
	}
	if words := strings.Fields(string(version)); len(words) > 1 {
		v.alike("<version>", words[1])
	}
	for _, part := range []func(context.Context) error{v.deliver, v.statuses, v.makeToken, v.routes, v.commands} {
		if err := part(ctx); err != nil {
			return fmt.Errorf("%w; the server's last words:\n%s", err, server.LastWords())
		}
	}
	return nil
}
