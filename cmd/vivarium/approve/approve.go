// Package approve is the command by which an operator lets a fork's commit be built.
package approve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"vivarium/server/store"
	"vivarium/server/store/people"
	"vivarium/server/store/pulls"
)

// Command is the command. It writes to out; who uses it stands in the audit. open runs a function on
// the server's database with the build that an argument names.
func Command(
	out io.Writer, who string, open func(context.Context, string, func(*store.Store, int64) error) error,
) *cobra.Command {
	var sha string
	cmd := &cobra.Command{
		Use:   "approve ID",
		Short: "Let the code of a fork's pull request be built",
		Long: "Approve lets a build begin that waits for an approval: its code comes from a fork, and so from anybody. " +
			"An\napproval is of one commit: each push to the pull request asks again. With --sha it is refused unless the\n" +
			"build is of the commit that you looked at. The audit says who approved what.",
		Example: "  vivarium builds list --state unapproved\n  vivarium builds approve 12 --sha " +
			"5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return open(cmd.Context(), args[0], func(s *store.Store, id int64) error {
				return approve(cmd.Context(), out, who, s, id, sha)
			})
		},
	}
	cmd.Flags().StringVar(&sha, "sha", "", "the commit that is approved, by its full id")
	return cmd
}

func approve(ctx context.Context, out io.Writer, who string, s *store.Store, id int64, sha string) error {
	b, err := s.Builds.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("cannot approve build %d: %w", id, err)
	}
	err = s.Pulls.Approve(ctx, people.Actor{Who: who}, id, cmp.Or(sha, b.SHA))
	switch {
	case errors.Is(err, pulls.ErrNoApproval):
		return fmt.Errorf("cannot approve build %d: it waits for no approval; `vivarium builds show %[1]d` says how it "+
			"stands", id)
	case errors.Is(err, pulls.ErrOtherCommit):
		return fmt.Errorf("cannot approve build %d: it is of commit %s, and not of %q; look at that one, and approve it "+
			"by its full id", id, b.SHA, sha)
	case err != nil:
		return fmt.Errorf("cannot approve build %d: %w", id, err)
	}
	fmt.Fprintf(out, "build %d is queued: commit %s of #%d of %s\n", id, b.SHA, b.Pull, b.Repo.FullName)
	return nil
}
