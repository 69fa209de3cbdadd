package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"vivarium/pipeline/python/reporter"
	"vivarium/pipeline/results"
	"vivarium/sandbox"
)

// trivialTests are the tests of results_cost: as many as a large suite has, and none of which does
// anything.
const trivialTests = 20_000

const resultsName = "results_cost"

// resultsAlone measures only what reporting each test costs, without starting a world.
func (b *bench) resultsAlone(ctx context.Context) error {
	f, err := resultsFigure(ctx, b.resultsPairs)
	if err != nil {
		return err
	}
	fmt.Print(table([]figure{f}))
	if b.page == "" {
		return nil
	}
	return writePage(b.page, resultsTable, machine(ctx), []figure{f})
}

// resultsFigure runs the same tests by plain unittest and by the runner that reports each, in turns,
// in one sandbox. The results are read as the pipeline reads them, and must be complete.
func resultsFigure(ctx context.Context, count int) (_ figure, err error) {
	engine, err := sandbox.Connect(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return figure{}, err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	box, err := engine.Start(ctx, sandbox.Spec{
		Image: runnerImage(), Instance: "vivarium-bench", Deadline: time.Now().Add(time.Hour),
		Limits: sandbox.DefaultLimits(engine.Info()),
	})
	if err != nil {
		return figure{}, err
	}
	defer func() { err = errors.Join(err, box.Close()) }()
	if err := box.PutArchive(ctx, sandbox.Workspace, bytes.NewReader(trivialSuite())); err != nil {
		return figure{}, err
	}
	var times pairs
	for n := range count + 1 {
		for i := range 2 {
			reported := (n+i)%2 == 0
			seconds, err := trivialRun(ctx, box, reported)
			if err != nil {
				return figure{}, fmt.Errorf("run %d tests, reported: %t: %w", trivialTests, reported, err)
			}
			if reported {
				times.ours = append(times.ours, seconds)
			} else {
				times.theirs = append(times.theirs, seconds)
			}
		}
		progress("pair %d of %d: %.3f s, plain %.3f s", n, count, times.ours[n], times.theirs[n])
	}
	times.ours, times.theirs = times.ours[1:], times.theirs[1:] // the first was a warm-up
	return times.seconds(resultsName, "20,000 trivial tests, each reported : by plain unittest -v", "≤ 1.05"), nil
}

// trivialRun gives the seconds that one run of the tests takes.
func trivialRun(ctx context.Context, box *sandbox.Sandbox, reported bool) (float64, error) {
	arguments := []string{"discover", "-v"}
	c := sandbox.Command{
		Argv: append([]string{"python3", "-m", "unittest"}, arguments...),
		Dir:  sandbox.Workspace, Env: []string{"PYTHONHASHSEED=1"}, Merged: true,
	}
	if reported {
		c.Argv, c.Report = reporter.Command("python3", nil, reporter.Unittest, arguments), true
	}
	parser := results.Parser{Root: sandbox.Workspace}
	r, err := box.Run(ctx, c, func(stream sandbox.Stream, p []byte) error {
		if stream == sandbox.Report {
			parser.Write(p)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if !r.Success() {
		return 0, fmt.Errorf("it ended with %+v", r)
	}
	if run := parser.Run(); reported && (run.Summary.Passed != trivialTests || !run.Done || run.Summary.Tampered) {
		return 0, fmt.Errorf("the report is not complete: %+v", run)
	}
	return r.Wall.Seconds(), nil
}

// trivialSuite is a tar of one module with the tests, in classes of 200.
func trivialSuite() []byte {
	var module strings.Builder
	module.WriteString("import unittest\n")
	for n := range trivialTests {
		if n%200 == 0 {
			fmt.Fprintf(&module, "\n\nclass Test%d(unittest.TestCase):\n", n/200)
		}
		fmt.Fprintf(&module, "    def test_%d(self):\n        self.assertEqual(%d, %d)\n", n, n, n)
	}
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "test_trivial.py", Mode: 0o644, Size: int64(module.Len())})
	t.Write([]byte(module.String()))
	t.Close() // to memory: none of these can fail
	return b.Bytes()
}
