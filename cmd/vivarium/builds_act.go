package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"vivarium/server/store"
	"vivarium/server/store/builds"
	"vivarium/server/store/people"
)

func newBuildsCancel(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "cancel ID",
		Short:   "End a build that is queued or running",
		Example: "  vivarium builds cancel 12",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withBuild(cmd.Context(), args[0], func(s *store.Store, id int64) error {
				err := s.Queue.Cancel(cmd.Context(), people.Actor{Who: userName()}, id)
				if errors.Is(err, builds.ErrEnded) {
					return fmt.Errorf("cannot cancel build %d: it has ended; `vivarium builds show %[1]d` says how", id)
				}
				if err != nil {
					return fmt.Errorf("cannot cancel build %d: %w", id, err)
				}
				fmt.Fprintf(a.stdout, "build %d is being canceled\n", id)
				return nil
			})
		},
	}
}
