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
	cmd := &cobra.Command{
		Use:   "limit OWNER/NAME|OWNER/PATTERN",
		Short: "Limit what an entry's repositories may use",
		Long: "Limit sets what the repositories of an entry may use; what is not named stays as it is, and 0 takes a limit\n" +
			"away. A pattern's limits count for all repositories together that it lets in, but for --each, which counts for\n" +
			"each one. A repository that stands in the registry by itself does not count for a pattern that fits it too. One\n" +
			"below a pattern may have limits of its own beside the pattern's. Builds that a cap holds back wait for their turn.",
		Example: "  vivarium repos limit 'school/group-*' --running 4 --each 1\n  vivarium repos limit octo/hello --running 0",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().NFlag() == 0 {
				return fmt.Errorf("cannot limit %s: say what is limited, such as --running 4; `vivarium repos limit --help` lists it", args[0])
			}
			if err := checkLimits(given); err != nil {
				return fmt.Errorf("cannot limit %s: %w", args[0], err)
			}
			return a.registryOf(cmd.Context(), func(r *repos) error {
				e, err := r.Limit(r.ctx, r.by, args[0], func(l *registry.Limits) { changeLimits(l, given, cmd.Flags()) })
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
	return cmd
}

func checkLimits(l registry.Limits) error {
	if l.Running < 0 || l.Each < 0 {
		return errors.New("a limit is a number from 1, or 0 for none")
	}
	return nil
}

// changeLimits takes over what was named on the command line.
func changeLimits(l *registry.Limits, given registry.Limits, flags *pflag.FlagSet) {
	if flags.Changed("running") {
		l.Running = given.Running
	}
	if flags.Changed("each") {
		l.Each = given.Each
	}
}
