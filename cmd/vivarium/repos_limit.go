package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"vivarium/server/registry"
)

func newReposLimit(a *app) *cobra.Command {
	var given registry.Limits
	var log string
	cmd := &cobra.Command{
		Use:   "limit OWNER/NAME|OWNER/PATTERN",
		Short: "Limit what an entry's repositories may use",
		Long: "Limit sets what the repositories of an entry may use; what is not named stays as it is, and 0 takes " +
			"a limit\naway. A pattern's limits count for all repositories together that it lets in, but for " +
			"--each, which counts for\neach one. A repository that stands in the registry by itself does not count " +
			"for a pattern that fits it too. One\nbelow a pattern may have limits of its own beside the " +
			"pattern's.\n\n--running and --each are caps: builds that they hold back wait for their turn. The " +
			"others are quotas: a push over\none is not built, and its build and commit status say so. Minutes " +
			"count from 00:00 UTC on, what ends on a day for\nthat day; what runs already is not cut off. Log " +
			"counts as it is stored, compressed. A full queue still takes one\nbuild of a repository of which none " +
			"waits.",
		Example: "  vivarium repos limit 'school/group-*' --running 4 --each 1 --minutes 600 --log 5GiB --queue 40\n" +
			"  vivarium repos limit octo/hello --running 0",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().NFlag() == 0 {
				return fmt.Errorf("cannot limit %s: say what is limited, such as --running 4; `vivarium repos "+
					"limit --help` lists it", args[0])
			}
			var err error
			if given.LogBytes, err = sizeOrNone.parse(log); err != nil {
				return fmt.Errorf("cannot limit %s: --log %s: it must be %s", args[0], log, sizeOrNone.accepts)
			}
			if err := checkLimits(given); err != nil {
				return fmt.Errorf("cannot limit %s: %w", args[0], err)
			}
			return a.registryOf(cmd.Context(), func(r *repos) error {
				e, err := r.Entries.Limit(cmd.Context(), r.by, args[0], func(l *registry.Limits) {
					changeLimits(l, given, cmd.Flags())
				})
				if err != nil {
					return r.explain("limit", args[0], err)
				}
				fmt.Fprintf(a.stdout, "%s: %s.\n", e.Name, e.Limits)
				return nil
			})
		},
	}
	cmd.Flags().IntVar(&given.Running, "running", 0, "builds that run at a time")
	cmd.Flags().IntVar(&given.Each, "each", 0, "builds of each repository that run at a time")
	cmd.Flags().IntVar(&given.Minutes, "minutes", 0, "minutes that builds may run in a day")
	cmd.Flags().StringVar(&log, "log", "0", "what stored logs may take, such as 5GiB")
	cmd.Flags().IntVar(&given.Queue, "queue", 0, "builds that may wait")
	return cmd
}

func checkLimits(l registry.Limits) error {
	if min(l.Running, l.Each, l.Minutes, l.Queue) < 0 {
		return errors.New("a limit is a number from 1, or 0 for none")
	}
	return nil
}

// changeLimits copies the limits that the command line names.
func changeLimits(l *registry.Limits, given registry.Limits, flags *pflag.FlagSet) {
	take := func(name string, into *int, value int) {
		if flags.Changed(name) {
			*into = value
		}
	}
	take("running", &l.Running, given.Running)
	take("each", &l.Each, given.Each)
	take("minutes", &l.Minutes, given.Minutes)
	take("queue", &l.Queue, given.Queue)
	if flags.Changed("log") {
		l.LogBytes = given.LogBytes
	}
}
