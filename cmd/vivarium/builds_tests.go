package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vivarium/cmd/vivarium/console"
	"vivarium/pipeline"
	"vivarium/pipeline/results"
	"vivarium/sandbox/quantity"
	"vivarium/server/api"
	"vivarium/server/junit"
	"vivarium/server/store"
	"vivarium/server/store/testhistory"
	"vivarium/server/store/testruns"
)

func newBuildsTests(a *app) *cobra.Command {
	var all, asJSON, asJUnit bool
	cmd := &cobra.Command{
		Use:   "tests ID",
		Short: "List the tests of a build that did not pass, or all of them",
		Long: "Tests lists the tests of a build that did not pass, and how many did. With --json and --junit it\n" +
			"writes all of them, as the addresses /logs/ID/tests.json and /logs/ID/junit.xml of the server do.",
		Example: "  vivarium builds tests 12\n  vivarium builds tests 12 --junit > results.xml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all && (asJSON || asJUnit) || asJSON && asJUnit {
				return errors.New("cannot list tests: --all, --json or --junit, only one of them")
			}
			return a.withBuild(cmd.Context(), args[0], func(s *store.Store, id int64) error {
				write := printTests
				switch {
				case asJSON:
					write = func(w io.Writer, b pipeline.Build, c testruns.Counts, _ bool, each junit.Each) error {
						return api.WriteTests(w, b.ID, c, each)
					}
				case asJUnit:
					write = func(w io.Writer, b pipeline.Build, c testruns.Counts, _ bool, each junit.Each) error {
						return junit.Write(w, junit.SuiteOf(b, c), each)
					}
				}
				return a.buildTests(cmd.Context(), s, id, all, write)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "list those that passed, too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write all of them as JSON")
	cmd.Flags().BoolVar(&asJUnit, "junit", false, "write all of them as JUnit XML")
	return cmd
}

// buildTests writes the results of a build's tests.
func (a *app) buildTests(ctx context.Context, s *store.Store, id int64, all bool,
	write func(io.Writer, pipeline.Build, testruns.Counts, bool, junit.Each) error) error {
	b, err := s.Builds.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("cannot list the tests of build %d: %w", id, err)
	}
	counts, ok, err := s.Tests.Counts(ctx, id)
	if err == nil && !ok {
		err = errors.New("none were recorded; `vivarium builds log` shows what it printed")
	}
	if err == nil {
		err = write(a.stdout, b, counts, all, func(f func(results.Test) bool) error {
			return s.Tests.Each(ctx, id, testruns.Query{}, func(r testruns.Result) bool { return f(r.Test) })
		})
	}
	if err != nil {
		return fmt.Errorf("cannot list the tests of build %d: %w", id, err)
	}
	return nil
}

// printTests lists results for people.
func printTests(w io.Writer, _ pipeline.Build, c testruns.Counts, all bool, each junit.Each) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	err := each(func(r results.Test) bool {
		if all || r.Outcome != results.Passed {
			fmt.Fprintf(t, "%s\t%s\t%s\n", r.Outcome, quantity.Duration(r.Duration), console.FailingLine(r))
		}
		return true
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(t, strings.Join(countWords(c), ", "))
	return t.Flush()
}

// countWords are the counts that are not zero, for people.
func countWords(c testruns.Counts) []string {
	words := []string{fmt.Sprintf("%d passed", c.Passed)}
	for _, n := range []struct {
		count int
		word  string
	}{
		{c.Failed, "failed"},
		{c.Errors, "with an error"},
		{c.UnexpectedSuccesses, "passed unexpectedly"},
		{c.Skipped, "skipped"},
		{c.ExpectedFailures, "failed as expected"},
		{c.LeftOut, "of these not kept, since there were too many"},
	} {
		if n.count > 0 {
			words = append(words, fmt.Sprintf("%d %s", n.count, n.word))
		}
	}
	return words
}

// printFailing names the failing tests of a build.
func printFailing(
	w io.Writer, c testruns.Counts, failing []testruns.Result, known map[testhistory.Key]testhistory.History,
) {
	if c.Red() == 0 {
		return
	}
	fmt.Fprintf(w, "\nFAILING TESTS (%d of %d)\n", c.Red(), c.Total())
	for _, r := range failing {
		line := console.FailingLine(r.Test)
		if history := known[testhistory.KeyOf(r)].String(); history != "" {
			line += "; " + history
		}
		fmt.Fprintln(w, line)
	}
	if more := c.Red() - len(failing); more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
}
