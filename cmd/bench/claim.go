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

// claimAlone measures the claim alone, without starting a world.
func (b *bench) claimAlone(ctx context.Context) error {
	f, err := claimFigure(ctx)
	if err != nil {
		return err
	}
	figures := []figure{f}
	fmt.Print(table(figures))
	if b.page == "" {
		return nil
	}
	return writePage(b.page, claimTable, machine(ctx), figures)
}

// claimFigure runs the store's own benchmark of a claim, which cannot be measured from outside.
func claimFigure(ctx context.Context) (figure, error) {
	dir, err := os.MkdirTemp("", "vivarium-bench-")
	if err != nil {
		return figure{}, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "samples.json")
	cmd := exec.CommandContext(ctx, "go", "test", "./server/store/queue", "-count=1", "-run", "^$", "-bench",
		"^BenchmarkClaim$", "-benchtime", claimPairs)
	cmd.Env = append(os.Environ(), "VIVARIUM_BENCH_SAMPLES="+file)
	if out, err := cmd.CombinedOutput(); err != nil {
		return figure{}, fmt.Errorf("measure a claim: run the store's benchmark: %w: %s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return figure{}, err
	}
	f := figure{name: claimName, what: "claim of a build while 10,000 wait : while 10 wait", bound: "≤ 1.50"}
	return f, json.Unmarshal(text, &f.samples)
}
