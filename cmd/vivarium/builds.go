package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/spf13/cobra"

	"vivarium/cmd/vivarium/approve"
	"vivarium/cmd/vivarium/datadir"
	"vivarium/cmd/vivarium/export"
	"vivarium/server/store"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
)

func newBuilds(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "builds",
		Short: "List, show, follow, approve, rerun, cancel and export builds of the server, and list their tests",
		Long: "Builds reads the server's database, so it needs the server's VIVARIUM_DATA_DIR (or\n" +
			"VIVARIUM_DATABASE_URL). The server may be running.",
		Example: "  vivarium builds list\n  vivarium builds log -f 12",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newBuildsList(a),
		newBuildsShow(a),
		newBuildsLog(a),
		newBuildsTests(a),
		approve.Command(a.stdout, userName(), a.withBuild),
		newBuildsRerun(a),
		newBuildsCancel(a),
		newBuildsStatus(a),
		export.Command(a.stdout, func(ctx context.Context, f func(*builds.Builds) error) error {
			return a.withStore(ctx, func(_ config, s *store.Store) error { return f(s.Builds) })
		}),
	)
	return cmd
}

// withStore runs f on the server's database.
func (a *app) withStore(ctx context.Context, f func(config, *store.Store) error) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	if err := checkDatabase(c, "builds"); err != nil {
		return err
	}
	s, err := openStore(ctx, c, database.Keep, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(f(c, s), s.Close())
}

// checkDatabase reports an error when there is no database. A new one, made in another folder than
// the server's, would only say that it holds nothing.
func checkDatabase(c config, what string) error {
	if c.databaseURL == "" && !datadir.HasDatabase(c.dataDir) {
		return fmt.Errorf("cannot find %s: there is no database in %s; set VIVARIUM_DATA_DIR to the server's",
			what, c.dataDir)
	}
	return nil
}

// withBuild runs f on the database with the build ID that a command was given.
func (a *app) withBuild(ctx context.Context, arg string, f func(s *store.Store, id int64) error) error {
	id, err := strconv.ParseInt(arg, 10, 64)
	if err != nil || id <= 0 {
		return fmt.Errorf("cannot find build %q: an id is a whole number; `vivarium builds list` shows them", arg)
	}
	return a.withStore(ctx, func(_ config, s *store.Store) error {
		err := f(s, id)
		if errors.Is(err, database.ErrNotFound) {
			return fmt.Errorf("cannot find build %d; `vivarium builds list` shows those there are", id)
		}
		return err
	})
}
