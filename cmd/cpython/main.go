// Command cpython runs CPython's own tests of what builds lean on (subprocesses, threads,
// multiprocessing, sockets, TLS) in a sandbox, and in a plain container of the same image
// without a network. Both must give the same, apart from a reviewed list of tests that
// exercise exactly what a sandbox refuses.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// modules of CPython's package test.
var modules = []string{
	"test_subprocess",
	"test_thread", "test_threading", "test_threading_local", "test_threadsignals",
	"test_socket", "test_socketserver", "test_ssl",
	"test_multiprocessing_main_handling",
	"test_multiprocessing_fork", "test_multiprocessing_spawn", "test_multiprocessing_forkserver",
}

func main() {
	suite := flag.String("suite", "",
		"the `folder` that holds CPython's package test; empty: Debian's package of it is fetched")
	only := flag.String("modules", strings.Join(modules, ","), "the `modules` to run, by commas")
	reported := flag.String("packages", strings.Join(packages, ","),
		"the `packages` whose results, each reported, must count as unittest does, by commas")
	verbose := flag.Bool("v", false, "print how each test ended that did not pass in the sandbox")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(),
			"Usage: go run ./cmd/cpython [flags]\n\nExample: go run ./cmd/cpython -modules test_socket\n\n")
		flag.PrintDefaults()
	}
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *suite, split(*only), split(*reported), *verbose)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "cpython: %v\n", err)
		os.Exit(1)
	}
}

// split gives the names between commas; none of an empty text.
func split(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return c == ',' })
}

func run(ctx context.Context, folder string, names, reported []string, verbose bool) (err error) {
	if folder == "" {
		fetched, err := fetchSuite(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(fetched.temporary)) }()
		folder = fetched.folder
	}
	w, err := newWorld(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.reportedAlike(ctx, reported); err != nil {
		return err
	}
	all := verdict{alike: map[string]int{}, refused: map[string]int{}}
	for _, name := range names {
		v, err := w.module(ctx, "test."+name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Println(v.summary(name))
		if verbose {
			fmt.Print(v.notPassed())
		}
		all.add(v)
	}
	fmt.Print(all.report())
	return all.err()
}
