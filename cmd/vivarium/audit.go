package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vivarium/server/registry"
	"vivarium/server/store"
)

func newAudit(a *app) *cobra.Command {
	limit, repo := 100, ""
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "List what was changed, by whom, when and from where, newest first",
		Long: "Audit lists the changes to what this server does. Where a repository was purged, a pseudonym stands " +
			"for its name,\nwhich only the operator's key and the name lead to: --repo finds both.",
		Example: "  vivarium audit --limit 20\n  vivarium audit --repo school/group-7",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(c config, s *store.Store) error {
				names, err := auditNames(c, repo)
				if err != nil {
					return err
				}
				changes, err := s.People.Audit(cmd.Context(), limit, names...)
				if err != nil {
					return fmt.Errorf("cannot list the audit: %w", err)
				}
				t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "WHEN\tWHO\tFROM\tWHAT")
				for _, c := range changes {
					fmt.Fprintf(t, "%s\t%s\t%s\t%s %s\n", localTime(c.At), oneLine(c.Who), dash(oneLine(c.From)),
						oneLine(c.What), oneLine(c.Of))
				}
				return t.Flush()
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "at most so many")
	cmd.Flags().StringVar(&repo, "repo", "", "only those of OWNER/NAME, also after it was purged")
	return cmd
}

// auditNames gives what stands for a repository in the audit: its name, and the pseudonym that a
// purge puts there.
func auditNames(c config, repo string) ([]string, error) {
	if repo == "" {
		return nil, nil
	}
	key, err := operatorKey(c)
	if err != nil {
		return nil, err
	}
	return []string{repo, registry.Pseudonym(key, repo)}, nil
}
