package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"vivarium/cmd/internal/harness"
)

// version is a server of one version of the program.
type version struct {
	name   string
	server *harness.Server
}

// versionFigures compares a cold build with the same build by an older version. Each server has the
// engine and the images that its settings name: two versions that share images would replace them
// for each other.
func (b *bench) versionFigures(ctx context.Context) (_ []figure, err error) {
	ours, err := b.serveVersion(ctx, "this version", b.binary)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ours.server.Stop()) }()
	theirs, err := b.serveVersion(ctx, "the older one", b.older, strings.Fields(b.olderEnv)...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, theirs.server.Stop()) }()
	var times pairs
	for n := range b.versionPairs + 1 {
		took, err := b.versionPair(ctx, n, [2]version{ours, theirs})
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue // a warm-up, as in coldFigures
		}
		times.add(took[0], took[1])
		progress("pair %d of %d: %.3f s, the older version %.3f s", n, b.versionPairs, took[0], took[1])
	}
	return []figure{times.seconds("version_cost", "cold build : the same build by an older version", "≤ 1.03")}, nil
}

func (b *bench) serveVersion(ctx context.Context, name, binary string, env ...string) (version, error) {
	server, err := b.serveBinary(ctx, binary, env...)
	if err != nil {
		return version{}, fmt.Errorf("start %s: %w", name, err)
	}
	return version{name, server}, nil
}

// versionPair gives the seconds from delivery to final status on each server. Two commits that
// differ only in their number are built, since both servers report to one GitHub; the sides take
// turns in going first.
func (b *bench) versionPair(ctx context.Context, n int, sides [2]version) (took [2]float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*runTimeout)
	defer cancel()
	for i := range sides {
		side := (n + i) % 2
		number := 2*n + i
		sha, err := b.world.Commit(ctx, smallRepo, fmt.Sprintf("Commit %d", number), smallRepository(number))
		if err != nil {
			return took, err
		}
		status, _, err := b.timeBuild(ctx, sides[side].server, sha)
		if err != nil {
			return took, fmt.Errorf("%s: %w; the server's last words:\n%s", sides[side].name, err,
				sides[side].server.LastWords())
		}
		took[side] = status.Seconds()
	}
	return took, nil
}
