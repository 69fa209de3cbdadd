package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vivarium/pipeline"
	"vivarium/server/github/names"
	"vivarium/server/store"
	"vivarium/server/store/builds"
)

func newBuildsStatus(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "status OWNER/NAME REF",
		Short:   "Print what GitHub holds for a commit beside what we hold",
		Example: "  vivarium builds status OWNER/NAME main",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(c config, s *store.Store) error {
				return a.compareStatuses(cmd.Context(), c, s, args[0], args[1])
			})
		},
	}
}

func (a *app) compareStatuses(ctx context.Context, c config, s *store.Store, repo, ref string) error {
	client, err := githubClient(c)
	if err != nil {
		return err
	}
	theirs, asked := client.Statuses(ctx, repo, ref)
	ours, err := buildsOf(ctx, s, repo, ref, theirs)
	if err != nil {
		return err
	}
	if asked != nil { // our own statuses are printed in any case
		return errors.Join(a.printOurs(ctx, s, ours), fmt.Errorf("cannot ask GitHub: %w", asked))
	}
	return errors.Join(a.printTheirs(theirs), a.printOurs(ctx, s, ours))
}

// buildsOf finds our builds of ref: by its commit when ref or GitHub gives one, else by branch or
// tag.
func buildsOf(ctx context.Context, s *store.Store, repo, ref string,
	theirs []pipeline.CommitStatus) ([]pipeline.Build, error) {
	sha := ""
	if names.ValidSHA(ref) {
		sha = ref
	} else if len(theirs) > 0 {
		sha = theirs[0].SHA
	}
	builds, err := s.Builds.List(ctx, builds.Query{Sight: builds.Sight{All: true}, Repo: repo, SHA: sha})
	if err != nil {
		return nil, fmt.Errorf("cannot list builds: %w", err)
	}
	if sha != "" {
		return builds, nil
	}
	return slices.DeleteFunc(builds, func(b pipeline.Build) bool {
		return string(b.Ref) != ref && b.Ref.Short() != ref
	}), nil
}

func (a *app) printTheirs(statuses []pipeline.CommitStatus) error {
	fmt.Fprintln(a.stdout, "GitHub holds (newest first):")
	if len(statuses) == 0 {
		fmt.Fprintln(a.stdout, "  nothing")
	}
	t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, st := range statuses {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", st.State, oneLine(st.Context), dash(oneLine(st.TargetURL)),
			oneLine(st.Description))
	}
	return t.Flush()
}

func (a *app) printOurs(ctx context.Context, s *store.Store, builds []pipeline.Build) error {
	fmt.Fprintln(a.stdout, "We hold (newest build first):")
	if len(builds) == 0 {
		fmt.Fprintln(a.stdout, "  nothing")
	}
	t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, b := range builds {
		statuses, err := s.Outbox.Statuses(ctx, b.ID)
		if err != nil {
			return fmt.Errorf("cannot read the statuses of build %d: %w", b.ID, err)
		}
		fmt.Fprintf(t, "  build %d\t%s\t%s\t%s\n", b.ID, b.State, shortSHA(b.SHA), oneLine(b.Summary))
		for _, st := range statuses {
			fmt.Fprintf(t, "    %s\t%s\t%s\t%s\n", st.State, dash(oneLine(st.Context)), sentOf(st),
				oneLine(st.Description))
		}
	}
	return t.Flush()
}
