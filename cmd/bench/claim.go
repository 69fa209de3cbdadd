package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// claimPairs are many, since a claim takes a millisecond.
const claimPairs = "500x"

const claimName = "claim_10000"

func isClaim(f figure) bool { return f.name == claimName }

func (b *bench) claimFigures(ctx context.Context) ([]figure, error) {
	f, err := b.claimFigure(ctx)
	if err != nil {
		return nil, fmt.Errorf("measure a claim: %w", err)
	}
	return []figure{f}, nil
}

// claimFigure is what the store's own benchmark says of a claim: what it does is not reached from outside.
func (b *bench) claimFigure(ctx context.Context) (figure, error) {
	dir, err := os.MkdirTemp("", "vivarium-bench-")
	if err != nil {
		return figure{}, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "samples.json")
	cmd := exec.CommandContext(ctx, "go", "test", "./server/store", "-count=1", "-run", "^$", "-bench", "^BenchmarkClaim$", "-benchtime", claimPairs)
	cmd.Env = append(os.Environ(), "VIVARIUM_BENCH_SAMPLES="+file)
	if out, err := cmd.CombinedOutput(); err != nil {
		return figure{}, fmt.Errorf("run the store's benchmark: %w: %s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return figure{}, err
	}
	f := figure{name: claimName, what: "claim of a build while 10,000 wait : while 10 wait", bound: "≤ 1.50"}
	return f, json.Unmarshal(text, &f.samples)
}
