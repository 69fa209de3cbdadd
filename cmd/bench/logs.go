package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vivarium/cmd/internal/harness"
	"vivarium/server/github/githubtest/events"
)

const loudRepo = "vivarium-bench/loud"

// logFigures compares a large log, stored and followed, with docker logs of the same output, and
// measures what it costs the server in memory.
func (b *bench) logFigures(ctx context.Context) ([]figure, error) {
	server, err := b.serve(ctx, fmt.Sprintf("VIVARIUM_LOG_LIMIT=%d", 2*b.logBytes))
	if err != nil {
		return nil, err
	}
	var rates pairs
	var growth []float64
	for n := range b.logPairs + 1 {
		// The first build warms the server up: the memory that any build needs is not growth.
		size := b.logBytes
		if n == 0 {
			size = payloadLine * minPayload
		}
		ours, grown, err := b.loudBuild(ctx, server, n, size)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%w; the server's last words:\n%s", err, server.LastWords()),
				server.Stop())
		}
		if n == 0 {
			continue
		}
		theirs, err := b.docker.loud(ctx, size)
		if err != nil {
			return nil, errors.Join(err, server.Stop())
		}
		rates.add(ours, theirs)
		growth = append(growth, grown)
		progress("large log %d of %d: %.1f MB/s, docker logs %.1f MB/s; the server grew by %.1f MiB", n, b.logPairs,
			ours/1e6, theirs/1e6, grown)
	}
	return []figure{
		rates.rates("log_rate",
			fmt.Sprintf("%d MB of log, stored and followed : docker logs -f on json-file", b.logBytes/1e6), "≥ 2.00"),
		{
			name:    "log_rss_mib",
			what:    "growth of the server's memory meanwhile, MiB",
			bound:   "< 64",
			samples: growth,
			plain:   true,
		},
	}, server.Stop()
}

// loudBuild gives the rate at which a large log reached a follower, in bytes a second,
// and by how many MiB the server's peak memory grew.
func (b *bench) loudBuild(ctx context.Context, server *harness.Server, n int,
	size int64) (rate, grown float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	sha, err := b.world.Commit(ctx, loudRepo, fmt.Sprintf("Commit %d", n), loudRepository(n, size))
	if err != nil {
		return 0, 0, err
	}
	before, err := resetPeak(server.PID())
	if err != nil {
		return 0, 0, err
	}
	id, err := server.Push(ctx, events.Push{Repo: loudRepo, SHA: sha})
	if err != nil {
		return 0, 0, err
	}
	live, stored := newMeter(), newMeter()
	if err := server.Follow(ctx, id, live); err != nil {
		return 0, 0, err
	}
	final, err := b.world.GitHub.WaitFinal(ctx, sha)
	if err != nil {
		return 0, 0, err
	}
	after, err := memory(server.PID(), "VmHWM")
	if err != nil {
		return 0, 0, err
	}
	if err := passed(ctx, server, id, final); err != nil {
		return 0, 0, err
	}
	if err := server.Read(ctx, id, stored); err != nil {
		return 0, 0, err
	}
	if err := errors.Join(live.complete(size), stored.complete(size)); err != nil {
		return 0, 0, fmt.Errorf("build %s: %w", id, err)
	}
	return live.rate(), after - before, nil
}

// loud gives the rate of docker logs -f for a container that prints the same.
func (d docker) loud(ctx context.Context, size int64) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	id, err := run(ctx, "docker", "run", "--detach", "--label", d.label, "--log-driver", "json-file",
		"--entrypoint", "python3", d.image, "-u", "-c", printer(size)+"\nwrite()\n")
	if err != nil {
		return 0, err
	}
	m := newMeter()
	logs := exec.CommandContext(ctx, "docker", "logs", "--follow", strings.TrimSpace(id))
	logs.Stdout = m
	if err := logs.Run(); err != nil {
		return 0, fmt.Errorf("docker logs: %w", err)
	}
	if m.count == 0 {
		return 0, errors.New("docker logs: nothing of the log arrived")
	}
	if err := m.complete(size); err != nil {
		// Engines were seen to end the answer when the container ends, before its last output.
		progress("docker logs: %v", err)
	}
	return m.rate(), d.removeAll(ctx)
}

// meter counts the payload in a log, and notes the times of its first and last byte.
type meter struct {
	count       int64
	first, last time.Time
}

func newMeter() *meter { return &meter{} }

// minPayload is how many payload bytes one piece must hold to be the payload's beginning. Fewer are
// stray bytes.
const minPayload = 64

func (m *meter) Write(p []byte) (int, error) {
	if n := int64(bytes.Count(p, []byte{payload})); n >= minPayload {
		m.last = time.Now()
		if m.count == 0 {
			m.first = m.last
		}
		m.count += n
	} else if m.count > 0 {
		m.count += n
	}
	return len(p), nil
}

// rate is in bytes a second.
func (m *meter) rate() float64 { return float64(m.count) / m.last.Sub(m.first).Seconds() }

// complete checks that size bytes of log have arrived.
func (m *meter) complete(size int64) error {
	if want := size / payloadLine * (payloadLine - 1); m.count != want {
		return fmt.Errorf("%d bytes of the log arrived, want %d", m.count, want)
	}
	return nil
}

// resetPeak resets a process's peak memory and gives what it has now, in MiB.
func resetPeak(pid int) (float64, error) {
	const resetHWM = "5" // proc(5), clear_refs
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte(resetHWM), 0); err != nil {
		return 0, fmt.Errorf("reset the server's peak memory: %w", err)
	}
	return memory(pid, "VmRSS")
}

// memory reads one size of /proc/PID/status, in MiB.
func memory(pid int, name string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the server's memory: %w", err)
	}
	found := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		return 0, fmt.Errorf("read the server's memory: there is no %s", name)
	}
	kib, err := strconv.ParseFloat(string(found[1]), 64)
	return kib / 1024, err
}
