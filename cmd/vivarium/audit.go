package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vivarium/server/store"
)

func newAudit(a *app) *cobra.Command {
	limit := 100
	cmd := &cobra.Command{
		Use:     "audit",
		Short:   "List what was changed, by whom, when and from where, newest first",
		Example: "  vivarium audit --limit 20",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(_ config, s *store.Store) error {
				changes, err := s.Audit(cmd.Context(), limit)
				if err != nil {
					return fmt.Errorf("cannot list the audit: %w", err)
				}
				t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "WHEN\tWHO\tFROM\tWHAT")
				for _, c := range changes {
					fmt.Fprintf(t, "%s\t%s\t%s\t%s %s\n", localTime(c.At), oneLine(c.Who), dash(oneLine(c.From)), oneLine(c.What), oneLine(c.Of))
				}
				return t.Flush()
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "at most so many")
	return cmd
}
