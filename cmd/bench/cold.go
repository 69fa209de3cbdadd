package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"vivarium/cmd/internal/harness"
	"vivarium/pipeline"
	"vivarium/server/github/githubtest"
	"vivarium/server/github/githubtest/events"
)

const (
	smallRepo    = "vivarium-bench/small"
	readyTimeout = 2 * time.Minute
	runTimeout   = 5 * time.Minute
)

// coldFigures compares a cold build with one script in one container, and the time to its
// first log line with a container that does nothing.
func (b *bench) coldFigures(ctx context.Context) ([]figure, error) {
	server, err := b.serve(ctx)
	if err != nil {
		return nil, err
	}
	var status, firstLine pairs
	for n := range b.pairs + 1 {
		ours, err := b.coldRun(ctx, server, n)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%w; the server's last words:\n%s", err, server.LastWords()),
				server.Stop())
		}
		if n == 0 {
			continue // a warm-up of both sides: page cache, imports, the index's first pages
		}
		status.add(ours.status.Seconds(), ours.script.Seconds())
		firstLine.add(ours.firstLine.Seconds(), ours.nothing.Seconds())
		progress("cold build %d of %d: %s, script %s; first line %s, docker run true %s", n, b.pairs,
			ours.status, ours.script, ours.firstLine, ours.nothing)
	}
	return []figure{
		status.seconds("cold_to_status", "cold build, from webhook to final status : docker run of one script",
			"≤ 1.00"),
		firstLine.seconds("first_line_cold", "webhook to first log line at an SSE client : docker run --rm IMAGE true",
			"≤ 1.00"),
	}, server.Stop()
}

// serve starts a server and waits until it is ready.
func (b *bench) serve(ctx context.Context, env ...string) (*harness.Server, error) {
	return b.serveBinary(ctx, b.binary, env...)
}

func (b *bench) serveBinary(ctx context.Context, binary string, env ...string) (*harness.Server, error) {
	server, err := b.world.Serve(binary, env...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := server.WaitReady(ctx); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return server, nil
}

// coldTimes are the times of one build and of what it is compared with.
type coldTimes struct{ status, firstLine, script, nothing time.Duration }

// coldRun measures one pair. The build and the script take turns in going first.
func (b *bench) coldRun(ctx context.Context, server *harness.Server, n int) (t coldTimes, err error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	files := smallRepository(n)
	sha, err := b.world.Commit(ctx, smallRepo, fmt.Sprintf("Commit %d", n), files)
	if err != nil {
		return t, err
	}
	ours := func() (err error) {
		t.status, t.firstLine, err = b.timeBuild(ctx, server, sha)
		return err
	}
	theirs := func() (err error) {
		if t.script, err = b.docker.script(ctx, b.world, sha, files); err != nil {
			return err
		}
		t.nothing, err = b.docker.nothing(ctx)
		return err
	}
	if n%2 == 0 {
		ours, theirs = theirs, ours
	}
	if err := ours(); err != nil {
		return t, err
	}
	return t, theirs()
}

// timeBuild pushes a commit and measures the times from the moment that the delivery is sent.
func (b *bench) timeBuild(ctx context.Context, server *harness.Server,
	sha string) (status, firstLine time.Duration, err error) {
	sent := time.Now()
	id, err := server.Push(ctx, events.Push{Repo: smallRepo, SHA: sha})
	if err != nil {
		return 0, 0, err
	}
	first := make(chan time.Time, 1)
	watch := make(chan error, 1)
	go func() { watch <- watchFirstLine(ctx, server, id, first) }()
	final, err := b.world.GitHub.WaitFinal(ctx, sha)
	if err := errors.Join(err, <-watch); err != nil {
		return 0, 0, err
	}
	if err := passed(ctx, server, id, final); err != nil {
		return 0, 0, err
	}
	return final.Time.Sub(sent), (<-first).Sub(sent), nil
}

// passed returns an error with the end of the log if a build did not pass.
func passed(ctx context.Context, server *harness.Server, id string, final githubtest.Status) error {
	if final.State == pipeline.StatusState(pipeline.Passed) {
		return nil
	}
	var log bytes.Buffer
	err := server.Read(ctx, id, &log)
	const shown = 4000
	end := log.Bytes()[max(0, log.Len()-shown):]
	return errors.Join(fmt.Errorf("build %s ended as %s: %s; the end of its log:\n%s", id, final.State,
		final.Description, end), err)
}

// watchFirstLine sends the time when the first byte that a process in the sandbox wrote arrives as
// an event. Vivarium's own lines do not count.
func watchFirstLine(ctx context.Context, server *harness.Server, id string, first chan<- time.Time) error {
	events, err := server.Events(ctx, id)
	if err != nil {
		return err
	}
	defer events.Close()
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var chunk struct{ Stream, Text string }
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			return fmt.Errorf("read event: %w", err)
		}
		written := chunk.Stream == string(pipeline.Stdout) || chunk.Stream == string(pipeline.Stderr)
		if written && chunk.Text != "" {
			first <- time.Now()
			return nil
		}
	}
	return errors.Join(errors.New("the log ended without a line from inside the sandbox"), lines.Err())
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func progress(format string, args ...any) {
	for i, arg := range args {
		if d, ok := arg.(time.Duration); ok {
			args[i] = d.Round(time.Millisecond)
		}
	}
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
