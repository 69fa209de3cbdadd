package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"vivarium/sandbox/quantity"
	"vivarium/server/registry"
	"vivarium/server/store/retention"
)

func newReposPurge(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "purge OWNER/NAME...",
		Short: "Erase repositories: their builds, logs and statuses, and their names",
		Long: "Purge removes what this server holds of a repository: builds with steps, logs and statuses, " +
			"deliveries, what the\nqueue and the registry know of it. Builds that wait are dropped, one that runs " +
			"is canceled first. SQLite's file\nis then written anew, so that no deleted byte stays, and the copies " +
			"made before migrations are removed, since\nthey hold it too. The server may be running: its writes " +
			"wait meanwhile, some 10 s for each GiB of the database,\nand those that wait for longer than 10 s " +
			"fail. In the audit a pseudonym takes the place of the name; `vivarium\naudit --repo OWNER/NAME` still " +
			"finds the lines. Nothing brings any of it back.",
		Example: "  vivarium repos purge school/group-7\n  vivarium repos purge school/group-7 --yes\n" +
			"  vivarium repos purge school/group-7 school/group-8 --yes",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args {
				if err := checkPurge(name); err != nil {
					return err
				}
			}
			if !yes {
				if err := a.confirm(args); err != nil {
					return err
				}
			}
			return a.registryOf(cmd.Context(), func(r *repos) error { return r.purge(cmd.Context(), args) })
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func checkPurge(name string) error {
	if err := registry.CheckPattern(name); err != nil {
		return fmt.Errorf("cannot purge: %w", err)
	}
	if registry.IsPattern(name) {
		return fmt.Errorf("cannot purge %s: purge takes repositories by their whole names", name)
	}
	return nil
}

// confirm asks the user to repeat the name. A script must pass --yes, as must a user who names
// several.
func (a *app) confirm(names []string) error {
	f, ok := a.stdin.(*os.File)
	if len(names) > 1 || !ok || !term.IsTerminal(int(f.Fd())) {
		return fmt.Errorf("cannot purge %s without being asked to for certain: add --yes", strings.Join(names, ", "))
	}
	name := names[0]
	fmt.Fprintf(a.stdout, "This erases all that this server holds of %s, for good. Type its name to go on: ", name)
	line, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("cannot purge %s: %w", name, err)
	}
	if !strings.EqualFold(strings.TrimSpace(line), name) {
		return fmt.Errorf("cannot purge %s: that was not its name; nothing was removed", name)
	}
	return nil
}

// sizeWorthTelling is the size from which rewriting the database takes seconds (measured on a busy
// machine: 10 s for 1 GiB).
const sizeWorthTelling = 256 << 20

// purge removes the rows of each repository, then rewrites the database once.
func (r *repos) purge(ctx context.Context, names []string) error {
	var all []retention.Purged
	for _, name := range names {
		p, err := r.Retention.Purge(ctx, r.by, name, registry.Pseudonym(r.key, name))
		r.printPurged(name, p)
		if errors.Is(err, retention.ErrStillRunning) {
			return fmt.Errorf("cannot purge %s: %w; stop the server, or `vivarium repos disable %s` if pushes keep "+
				"coming, and purge again", name, err, name)
		}
		if err != nil {
			return fmt.Errorf("cannot purge %s: %w", name, err)
		}
		all = append(all, p)
	}
	if size := r.Database.Size(); size > sizeWorthTelling {
		fmt.Fprintf(r.app.stderr, "vivarium: writing the database's %s anew; a running server's writes wait, those "+
			"longer than 10 s fail\n", quantity.Bytes(size))
	}
	copies, err := r.Database.Scrub(ctx)
	if err != nil {
		return fmt.Errorf("cannot write the database anew: %w: the rows are gone, but the file may still hold "+
			"their bytes; stop the server if it was in use, and purge the same again", err)
	}
	r.printScrubbed(copies)
	purged := func(other string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, other) })
	}
	for i, name := range names {
		all[i].Others = slices.DeleteFunc(all[i].Others, purged)
		if err := r.printStays(ctx, name, all[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *repos) printPurged(name string, p retention.Purged) {
	counts := []struct {
		n         int64
		one, many string
	}{
		{p.Builds, "build", "builds"}, {p.Steps, "step", "steps"}, {p.Deliveries, "delivery", "deliveries"},
		{p.Statuses, "commit status", "commit statuses"}, {p.Jobs, "job of the queue", "jobs of the queue"},
		{p.Entries, "entry of the registry", "entries of the registry"}, {p.Tokens, "token", "tokens"},
		{p.Refusals, "count of refused deliveries", "counts of refused deliveries"},
	}
	var removed []string
	for _, c := range counts {
		if c.n > 0 {
			removed = append(removed, plural(c.n, c.one, c.many))
		}
	}
	if p.LogBytes > 0 {
		removed = append(removed, quantity.Bytes(p.LogBytes)+" of stored log")
	}
	out := r.app.stdout
	if len(removed) == 0 {
		fmt.Fprintf(out, "There was nothing of %s.\n", name)
	} else {
		fmt.Fprintf(out, "Removed of %s: %s.\n", name, strings.Join(removed, ", "))
	}
	if p.AuditLines > 0 {
		fmt.Fprintf(out, "In %s of the audit %s stands in place of the name.\n",
			plural(p.AuditLines, "line", "lines"), registry.Pseudonym(r.key, name))
	}
}

func (r *repos) printScrubbed(copies []string) {
	out := r.app.stdout
	if r.config.databaseURL == "" {
		fmt.Fprintln(out, "Wrote the database's file anew: none of the removed bytes is left in it.")
	} else {
		fmt.Fprintln(out, "Vacuumed the database. PostgreSQL's own files, write-ahead log and backups may hold "+
			"removed bytes until it reuses them.")
	}
	for _, path := range copies {
		fmt.Fprintf(out, "Removed %s, a copy of the database from before a migration, which may have held it too.\n",
			path)
	}
	fmt.Fprintln(out, "Runner images and the package cache are kept for all repositories together, none for one: "+
		"they stay.\nWhat GitHub holds, what the server has logged to the journal or the terminal, and your "+
		"backups are not reached.")
}

// printStays says what may bring the name back.
func (r *repos) printStays(ctx context.Context, name string, p retention.Purged) error {
	out := r.app.stdout
	for _, other := range p.Others {
		fmt.Fprintf(out, "%s may be the same repository under another name: vivarium repos purge %s\n",
			oneLine(other), oneLine(other))
	}
	if p.Changed {
		r.printFirstSecret(name)
	}
	by, err := r.stillLetIn(ctx, name)
	if err == nil && by != "" {
		fmt.Fprintf(out, "%s still lets %s in: its next push is built and kept. Remove its webhook on GitHub.\n",
			by, name)
	}
	return err
}
