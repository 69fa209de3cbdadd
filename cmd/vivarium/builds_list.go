package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vivarium/pipeline"
	"vivarium/sandbox/quantity"
	"vivarium/server/filter"
	"vivarium/server/store"
	"vivarium/server/store/builds"
	"vivarium/server/store/queue"
)

func newBuildsList(a *app) *cobra.Command {
	only := builds.Query{Sight: builds.Sight{All: true}} // besides what the words say
	var words filter.Words
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List builds, newest first",
		Example: "  vivarium builds list --repo OWNER/NAME --state failed",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := words.Query(time.Now(), time.Local)
			if err != nil {
				return fmt.Errorf("cannot list builds: %w", err)
			}
			q.Sight, q.SHA, q.Limit, q.Before = only.Sight, only.SHA, only.Limit, only.Before
			return a.withStore(cmd.Context(), func(_ config, s *store.Store) error {
				builds, places, err := queryBuilds(cmd.Context(), s, q)
				if err != nil {
					return fmt.Errorf("cannot list builds: %w", err)
				}
				return printBuilds(a.stdout, builds, places)
			})
		},
	}
	cmd.Flags().StringVar(&words.Repo, "repo", "", "only those of OWNER/NAME")
	cmd.Flags().StringVar(&words.Branch, "branch", "", "only those of a branch")
	cmd.Flags().StringVar(&words.Author, "author", "", "only those that this login pushed")
	cmd.Flags().StringVar(&only.SHA, "sha", "", "only those of a commit, by its full id")
	cmd.Flags().StringVar(&words.State, "state", "", "only those in one of the states "+strings.Join(filter.States, ", "))
	cmd.Flags().StringVar(&words.Cause, "cause", "", "only those that did not pass for one cause, such as tests")
	cmd.Flags().StringVar(&words.Text, "text", "", "only those whose message or summary has this text")
	cmd.Flags().StringVar(&words.Since, "since", "", "only those queued then or later: 2026-11-30, 7d or 12h")
	cmd.Flags().StringVar(&words.Until, "until", "", "only those queued before then, in the words of --since")
	cmd.Flags().IntVar(&only.Limit, "limit", 30, "at most so many, up to 1000")
	cmd.Flags().Int64Var(&only.Before, "before", 0, "only those with a lower id")
	return cmd
}

// queryBuilds returns builds, and the place of each in the queue.
func queryBuilds(ctx context.Context, s *store.Store, q builds.Query) ([]pipeline.Build, []int, error) {
	builds, err := s.Builds.List(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	places := make([]int, len(builds))
	for i, b := range builds {
		if places[i], err = s.Queue.Place(ctx, b); err != nil {
			return nil, nil, err
		}
	}
	return builds, places, nil
}

func printBuilds(w io.Writer, builds []pipeline.Build, places []int) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tSTATE\tPLACE\tCAUSE\tREPOSITORY\tREF\tCOMMIT\tQUEUED\tTOOK")
	for i, b := range builds {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", b.ID, b.State, queuePlace(places[i]), causeOrWait(b),
			oneLine(b.Repo.FullName), oneLine(string(b.Ref)), shortSHA(b.SHA), localTime(b.QueuedAt), buildTook(b))
	}
	return t.Flush()
}

// causeOrWait says why a build did not pass, or what it waits for.
func causeOrWait(b pipeline.Build) string {
	if b.Waiting != nil {
		return "waits: " + string(b.Waiting.Cause)
	}
	return dash(string(b.Cause))
}

// queuePlace shows a place in the queue.
func queuePlace(n int) string {
	switch {
	case n == 0:
		return "-"
	case n > queue.MaxPlace:
		return fmt.Sprintf(">%d", queue.MaxPlace)
	}
	return fmt.Sprint(n)
}

func shortSHA(sha string) string { return sha[:min(len(sha), 12)] }

func localTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}

// buildTook shows how long a build takes. The clock of a build that waits for another attempt,
// after its server ended, stands still.
func buildTook(b pipeline.Build) string {
	if b.State == pipeline.Queued {
		return "-"
	}
	return took(b.StartedAt, b.EndedAt)
}

// took shows how long something ran, or has run so far.
func took(from, to time.Time) string {
	switch {
	case from.IsZero():
		return "-"
	case to.IsZero():
		return quantity.Duration(time.Since(from)) + " so far"
	}
	return quantity.Duration(to.Sub(from))
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// plural shows a number of things.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
