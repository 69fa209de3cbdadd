// Command bench measures Vivarium against what one would do without it: `docker run` of one shell
// script, and `docker logs`. Runs of the two sides alternate. A ratio is the median of the pairs'
// own ratios, and the spread is the 10th and 90th percentile.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"vivarium/cmd/internal/harness"
	"vivarium/images"
)

func main() {
	b := &bench{}
	flag.StringVar(&b.binary, "vivarium", "bin/vivarium", "the `program` to measure; make build makes it")
	flag.IntVar(&b.pairs, "pairs", 15, "pairs of runs of a build and its script")
	flag.IntVar(&b.logPairs, "log-pairs", 15, "pairs of runs with a large log")
	flag.Int64Var(&b.logBytes, "log-bytes", 100e6, "size of the large log")
	flag.IntVar(&b.profilePairs, "profile", 0,
		"measure only what a sandbox's profile and settings cost, by so many `pairs` of builds")
	flag.IntVar(&b.versionPairs, "versions", 0, "measure only this version against -older, by so many `pairs` of builds")
	flag.StringVar(&b.older, "older", "", "the `program` of an older version")
	flag.StringVar(&b.olderEnv, "older-env", "",
		"`settings` of its own, NAME=value and separated by spaces: DOCKER_HOST and VIVARIUM_RUNNERS, since it would\n"+
			"replace the images that this version uses")
	flag.BoolVar(&b.claimOnly, "claim", false, "measure only what the length of the queue costs a claim")
	flag.IntVar(&b.resultsPairs, "results-pairs", 40, "pairs of runs of tests, reported and by plain unittest")
	flag.BoolVar(&b.resultsOnly, "results", false, "measure only what it costs to report each test")
	flag.StringVar(&b.jsonFile, "json", "bench.json", "`file` for the figures")
	flag.StringVar(&b.page, "page", "docs/benchmarks.md", "`file` whose table is brought up to date; empty for none")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(),
			"Usage: go run ./cmd/bench [flags]\n\nExample: go run ./cmd/bench -pairs 40\n\n")
		flag.PrintDefaults()
	}
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := b.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// bench is one run of all measurements.
type bench struct {
	binary          string
	pairs, logPairs int
	profilePairs    int
	resultsPairs    int
	versionPairs    int
	older, olderEnv string
	claimOnly       bool
	resultsOnly     bool
	logBytes        int64
	jsonFile, page  string

	world  *harness.World
	docker docker
}

func (b *bench) run(ctx context.Context) error {
	if b.pairs < 1 || b.logPairs < 1 || b.logBytes < 1 {
		return errors.New("-pairs, -log-pairs and -log-bytes must be at least 1")
	}
	if b.claimOnly {
		return b.claimAlone(ctx)
	}
	if b.resultsOnly {
		return b.resultsAlone(ctx)
	}
	gateway, err := bridgeGateway(ctx)
	if err != nil {
		return err
	}
	// Containers on the default bridge reach the host there.
	if b.world, err = harness.NewWorld(harness.Options{Host: gateway}); err != nil {
		return err
	}
	b.world.Index.Add(dependencies()...)
	b.docker = docker{image: runnerImage(), label: fmt.Sprintf("vivarium.bench=%d", os.Getpid())}
	measure, place := b.measure, coldTable
	if b.profilePairs > 0 {
		measure, place, b.jsonFile = b.profileFigures, profileTable, ""
	}
	if b.versionPairs > 0 {
		measure, b.page, b.jsonFile = b.versionFigures, "", ""
	}
	figures, err := measure(ctx)
	if err := errors.Join(err, b.docker.removeAll(context.WithoutCancel(ctx)), b.world.Close()); err != nil {
		return err
	}
	fmt.Print(table(figures))
	return b.keep(ctx, place, figures)
}

// keep writes the figures to the JSON file and to the page.
func (b *bench) keep(ctx context.Context, place tablePlace, figures []figure) error {
	if b.jsonFile != "" {
		if err := writeJSON(b.jsonFile, figures); err != nil {
			return err
		}
	}
	if b.page == "" {
		return nil
	}
	tables := map[tablePlace][]figure{}
	for _, f := range figures {
		at := place
		switch f.name {
		case claimName:
			at = claimTable
		case resultsName:
			at = resultsTable
		}
		tables[at] = append(tables[at], f)
	}
	for at, its := range tables {
		if err := writePage(b.page, at, machine(ctx), its); err != nil {
			return err
		}
	}
	return nil
}

// measure takes every figure. Cold builds and large logs have a server each.
func (b *bench) measure(ctx context.Context) ([]figure, error) {
	cold, err := b.coldFigures(ctx)
	if err != nil {
		return nil, fmt.Errorf("measure cold builds: %w", err)
	}
	logs, err := b.logFigures(ctx)
	if err != nil {
		return nil, fmt.Errorf("measure large logs: %w", err)
	}
	claim, err := claimFigure(ctx)
	if err != nil {
		return nil, err
	}
	results, err := resultsFigure(ctx, b.resultsPairs)
	return append(append(cold, logs...), claim, results), err
}

// runnerImage is the engine's name of the default runner image, for the script's container.
func runnerImage() string {
	repository := os.Getenv("VIVARIUM_RUNNERS")
	if repository == "" {
		repository = "vivarium/runner"
	}
	return repository + ":" + images.Default
}
