package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vivarium/pipeline"
	"vivarium/sandbox/quantity"
	"vivarium/server/github"
	"vivarium/server/store"
	"vivarium/server/store/builds"
	"vivarium/server/store/queue"
)

// states are all states of a build.
var states = []pipeline.State{pipeline.Unapproved, pipeline.Queued, pipeline.Running, pipeline.Passed,
	pipeline.Failed, pipeline.Errored, pipeline.Canceled, pipeline.Skipped}

func stateList() string {
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(states)), ", "), "[]")
}

func newBuildsList(a *app) *cobra.Command {
	q := builds.Query{Sight: builds.Sight{All: true}}
	var state string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List builds, newest first",
		Example: "  vivarium builds list --repo OWNER/NAME --state failed",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q.State = pipeline.State(state)
			if err := checkBuildsQuery(q); err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(_ config, s *store.Store) error {
				builds, places, err := queryBuilds(cmd.Context(), s, q)
				if err != nil {
					return fmt.Errorf("cannot list builds: %w", err)
				}
				return printBuilds(a.stdout, builds, places)
			})
		},
	}
	cmd.Flags().StringVar(&q.Repo, "repo", "", "only those of OWNER/NAME")
	cmd.Flags().StringVar(&q.SHA, "sha", "", "only those of a commit, by its full id")
	cmd.Flags().StringVar(&state, "state", "", "only those in one of the states "+stateList())
	cmd.Flags().IntVar(&q.Limit, "limit", 30, "at most so many, up to 1000")
	cmd.Flags().Int64Var(&q.Before, "before", 0, "only those with a lower id")
	return cmd
}

func checkBuildsQuery(q builds.Query) error {
	if q.State != "" && !slices.Contains(states, q.State) {
		return fmt.Errorf("cannot list builds in state %q: there are only %s", q.State, stateList())
	}
	if q.Repo == "" {
		return nil
	}
	if _, _, err := github.SplitFullName(q.Repo); err != nil {
		return fmt.Errorf("cannot list builds: --repo: %w", err)
	}
	return nil
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
