// Command unchanged runs a command and fails when the command has changed the machine's Docker
// Engine, its containers, images, networks and volumes, the bridge docker0 or the firewall:
//
//	go run ./scripts/unchanged -- COMMAND [ARGUMENT...]
//
// The images that tests make for themselves, and keep for the next time, may come and go.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/docker/docker/client"
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: unchanged -- COMMAND [ARGUMENT...]")
		os.Exit(2)
	}
	// A Ctrl-C goes to the command as well and ends it. What it leaves is looked at all the same.
	// If this process ignored the signal, the command would ignore it too.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	if err := run(context.Background(), args); err != nil {
		fmt.Fprintln(os.Stderr, "unchanged:", err)
		os.Exit(1)
	}
}

// settleTime is how long the things that the command used may take to be gone: an engine removes a
// container a moment after its end.
var settleTime = 20 * time.Second // tests make it shorter

func run(ctx context.Context, args []string) error {
	cli, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return err
	}
	defer cli.Close()
	before, err := look(ctx, cli)
	if err != nil {
		return err
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	failed := cmd.Run()
	if failed != nil {
		failed = fmt.Errorf("%s: %w", args[0], failed)
	}
	return errors.Join(failed, settle(ctx, cli, before))
}

// settle waits until everything is as before. After settleTime it says what is not.
func settle(ctx context.Context, cli *client.Client, before state) error {
	for end := time.Now().Add(settleTime); ; time.Sleep(200 * time.Millisecond) {
		after, err := look(ctx, cli)
		if err != nil {
			return err
		}
		changes := compare(before, after)
		if len(changes) == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the machine is not as it was:\n%w", errors.Join(changes...))
		}
	}
}
