package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"vivarium/pipeline/python/reporter"
	testresults "vivarium/pipeline/results"
	"vivarium/pipeline/testreport"
	"vivarium/sandbox"
)

// packages of CPython's own tests, which are run as a repository's: each result reported, in a
// sandbox, must count as plain unittest counts in a plain container. They are such as write nothing
// beside Python's own modules, as test_importlib and test_doctest do: a sandbox refuses that by another
// error than the one that they expect.
var packages = []string{
	"test_json", "test_email", "test_argparse", "test_zoneinfo", "test_warnings", "test_dataclasses", "test_decimal",
	"test_typing",
}

// counts are the figures of a run, as unittest has them.
type counts struct{ Ran, Failures, Errors, Skipped, UnexpectedSuccesses int }

// reportedAlike runs each package on both sides, and fails where the figures differ.
func (w *world) reportedAlike(ctx context.Context, names []string) error {
	var differ []string
	for _, name := range names {
		ours, theirs, err := w.reportedBoth(ctx, "test."+name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("%-20s reported %+v, plain unittest %+v\n", name, ours, theirs)
		if ours != theirs || ours.Ran == 0 {
			differ = append(differ, name)
		}
	}
	if len(differ) > 0 {
		return fmt.Errorf("the reports count otherwise than unittest, or count nothing: %s", strings.Join(differ, ", "))
	}
	return nil
}

func (w *world) reportedBoth(ctx context.Context, name string) (ours, theirs counts, err error) {
	var both sync.WaitGroup
	var ourErr, theirErr error
	both.Go(func() {
		s, err := startSandbox(ctx, w.engine, w.image)
		if ourErr = err; err == nil {
			ours, ourErr = w.reported(ctx, s, name)
		}
	})
	both.Go(func() {
		p, err := startPlain(ctx, w.image)
		if theirErr = err; err == nil {
			theirs, theirErr = w.printed(ctx, p, name)
		}
	})
	both.Wait()
	return ours, theirs, errors.Join(ourErr, theirErr)
}

// reported counts what is reported of the tests in a sandbox.
func (w *world) reported(ctx context.Context, s sandboxed, name string) (_ counts, err error) {
	defer func() { err = errors.Join(err, s.close()) }()
	if err := w.prepare(ctx, s); err != nil {
		return counts{}, err
	}
	parser := testresults.Parser{Root: sandbox.Workspace}
	var log bytes.Buffer
	c := sandbox.Command{
		Argv: reporter.Command(python, nil, reporter.Unittest, []string{"-v", name}), Merged: true, Report: true,
	}
	r, err := s.Run(ctx, c, func(stream sandbox.Stream, p []byte) error {
		if stream == sandbox.Report {
			for _, t := range parser.Write(p) {
				if t.Outcome.Red() {
					fmt.Printf("  %s %s %s: %s (%s:%d)\n", t.Outcome, t.ID, t.Sub, t.Reason, t.Path, t.Line)
				}
			}
		} else {
			log.Write(p)
		}
		return nil
	})
	if err != nil {
		return counts{}, err
	}
	run := parser.Run()
	if !run.Done || run.Summary.Tampered {
		return counts{}, fmt.Errorf("the report is not whole: %+v; it ended with %+v; the end of its log:\n%s", run, r,
			indent(tail(log.String())))
	}
	sum := run.Summary
	return counts{run.Ran, sum.Failed, sum.Errors, sum.Skipped, sum.UnexpectedSuccesses}, nil
}

// printed counts by unittest's own last words in a plain container.
func (w *world) printed(ctx context.Context, p place, name string) (_ counts, err error) {
	defer func() { err = errors.Join(err, p.close()) }()
	if err := w.prepare(ctx, p); err != nil {
		return counts{}, err
	}
	var words testreport.Unittest
	if _, err := p.run(ctx, []string{python, "-m", "unittest", "-v", name}, &words); err != nil {
		return counts{}, err
	}
	r := words.Report()
	if !r.Seen {
		return counts{}, errors.New("unittest came to no summary")
	}
	return counts{r.Ran, r.Failures, r.Errors, r.Skipped, r.UnexpectedSuccesses}, nil
}
