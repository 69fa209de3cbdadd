package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"vivarium/sandbox/quantity"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
)

// Command is the command of it. It writes to out; open runs a function on the server's builds.
func Command(out io.Writer, open func(context.Context, func(*builds.Builds) error) error) *cobra.Command {
	var at, repos string
	var asCSV, asJSON bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the last verdict of each repository and branch as of a time",
		Long: "Export writes a line for each branch: the last push that this server took at or before the time, " +
			"and how its commit\nwas judged. The push counts: its build, or a rerun of it, may have ended later. A " +
			"build that was canceled says\nnothing as long as another of the commit has ended. A time without a " +
			"zone is local: 18:00 is the very second.\nThe output is CSV (RFC 4180) unless --json is given.",
		Example: "  vivarium builds export --csv --at '2026-12-01 18:00' --repo 'school/group-*' > verdicts.csv\n" +
			"  vivarium builds export --json --at 2026-12-01T18:00:00+01:00",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asCSV && asJSON {
				return errors.New("cannot export: --csv or --json, not both")
			}
			q, err := verdictQuery(at, repos)
			if err != nil {
				return fmt.Errorf("cannot export: %w", err)
			}
			write := CSV
			if asJSON {
				write = JSON
			}
			return open(cmd.Context(), func(b *builds.Builds) error {
				verdicts, err := allVerdicts(cmd.Context(), b, q)
				if err == nil {
					err = write(out, Lines(verdicts, time.Local))
				}
				if err != nil {
					return fmt.Errorf("cannot export: %w", err)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "as of this time, such as '2026-12-01 18:00'; now when it is not given")
	cmd.Flags().StringVar(&repos, "repo", "", "only OWNER/NAME or OWNER/PATTERN")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "write CSV, as without it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON: a list of objects")
	return cmd
}

// verdictQuery selects what the command was asked for. Now is set once, so that all pages show the
// same time.
func verdictQuery(at, repos string) (builds.VerdictQuery, error) {
	q := builds.VerdictQuery{Sight: builds.Sight{All: true}, At: time.Now(), Repos: repos, Limit: 1000}
	if repos != "" {
		if err := registry.CheckPattern(repos); err != nil {
			return q, err
		}
	}
	if at == "" {
		return q, nil
	}
	var err error
	q.At, err = quantity.ParseMoment(at, time.Local)
	return q, err
}

// allVerdicts reads all pages.
func allVerdicts(ctx context.Context, b *builds.Builds, q builds.VerdictQuery) ([]builds.Verdict, error) {
	var all []builds.Verdict
	for {
		page, err := b.Verdicts(ctx, q)
		all = append(all, page...)
		if err != nil || len(page) < q.Limit {
			return all, err
		}
		last := page[len(page)-1].Push
		q.After = builds.Branch{Repo: last.Repo.FullName, Ref: last.Ref}
	}
}
