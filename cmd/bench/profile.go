package main

import (
	"context"
	"errors"
	"fmt"

	"vivarium/cmd/internal/harness"
)

// profileFigures compares a cold build with the same build whose container is not hardened.
func (b *bench) profileFigures(ctx context.Context) (_ []figure, err error) {
	proxy, err := startEngineProxy()
	if err != nil {
		return nil, fmt.Errorf("stand before the engine: %w", err)
	}
	defer func() { err = errors.Join(err, proxy.Close()) }()
	server, err := b.serve(ctx, "DOCKER_HOST="+proxy.Host)
	if err != nil {
		return nil, err
	}
	var times pairs
	for n := range b.profilePairs + 1 {
		with, without, err := b.profilePair(ctx, server, proxy, n)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%w; the server's last words:\n%s", err, server.LastWords()),
				server.Stop())
		}
		if n == 0 {
			continue // a warm-up, as in coldFigures
		}
		times.add(with, without)
		progress("pair %d of %d: %.3f s, without profile and settings %.3f s", n, b.profilePairs, with, without)
	}
	return []figure{
		times.seconds("profile_cost", "cold build : the same build without profile, dropped privileges and limits",
			"≤ 1.05"),
	}, server.Stop()
}

// profilePair builds two commits that differ only in their number. The two sides take turns in
// going first.
func (b *bench) profilePair(ctx context.Context, server *harness.Server, proxy *engineProxy,
	n int) (with, without float64, err error) {
	for i := range 2 {
		soft := (n+i)%2 == 0
		took, err := b.profileBuild(ctx, server, proxy, 2*n+i, soft)
		if err != nil {
			return 0, 0, err
		}
		if soft {
			without = took
		} else {
			with = took
		}
	}
	return with, without, nil
}

// profileBuild gives the seconds from delivery to final status.
func (b *bench) profileBuild(ctx context.Context, server *harness.Server, proxy *engineProxy, n int,
	soft bool) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	sha, err := b.world.Commit(ctx, smallRepo, fmt.Sprintf("Commit %d", n), smallRepository(n))
	if err != nil {
		return 0, err
	}
	proxy.soft.Store(soft)
	before := proxy.taken.Load()
	status, _, err := b.timeBuild(ctx, server, sha)
	if err != nil {
		return 0, err
	}
	want := int32(0)
	if soft {
		want = 1
	}
	if got := proxy.taken.Load() - before; got != want {
		return 0, fmt.Errorf("%d containers of the build were made without hardening, want %d", got, want)
	}
	return status.Seconds(), nil
}
