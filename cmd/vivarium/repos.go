package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vivarium/cmd/vivarium/datadir"
	"vivarium/cmd/vivarium/fix"
	"vivarium/server/registry"
	"vivarium/server/store"
	"vivarium/server/store/database"
	"vivarium/server/store/entries"
	"vivarium/server/store/people"
)

func newRepos(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "repos",
		Short: "Say which repositories are built, each with a webhook secret of its own",
		Long: "Repos changes the registry in the server's database, so it needs the server's VIVARIUM_DATA_DIR (or\n" +
			"VIVARIUM_DATABASE_URL and VIVARIUM_KEY). The server may be running: a change counts at once.",
		Example: "  vivarium repos add OWNER/NAME\n  vivarium repos add 'OWNER/group-*'\n" +
			"  vivarium repos secret OWNER/group-7",
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newReposAdd(a), newReposList(a), newReposSecret(a), newReposRotate(a), newReposLimit(a), newReposFix(a),
		newReposDisable(a), newReposEnable(a), newReposRemove(a), newReposPurge(a))
	return cmd
}

// registryOf runs f on the server's registry.
func (a *app) registryOf(ctx context.Context, f func(r *repos) error) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	if err := checkDatabase(c, "the registry"); err != nil {
		return err
	}
	return a.openRegistry(ctx, c, database.Keep, f)
}

// registryToBe runs f on the registry. Repositories may be let in before the server's first start:
// fresh makes the database when there is none. Without fresh, a missing database is an error, since
// the folder is more likely not the server's.
func (a *app) registryToBe(ctx context.Context, fresh bool, f func(r *repos) error) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	if fresh {
		return a.openRegistry(ctx, c, database.Make, f)
	}
	if c.databaseURL == "" && !datadir.HasDatabase(c.dataDir) {
		return fmt.Errorf("there is no database in %s: set VIVARIUM_DATA_DIR to the server's, or add --new to make "+
			"one before the server's first start", c.dataDir)
	}
	err = a.openRegistry(ctx, c, database.Keep, f)
	if older, ok := errors.AsType[*database.OlderError](err); ok && older.New {
		return errors.New("the database of VIVARIUM_DATABASE_URL is empty: add --new to make what is needed before " +
			"the server's first start")
	}
	return err
}

func (a *app) openRegistry(ctx context.Context, c config, schema database.Schema, f func(r *repos) error) (err error) {
	if err := datadir.Make(c.dataDir); err != nil {
		return err
	}
	r := &repos{app: a, config: c, by: people.Actor{Who: userName()}}
	if r.key, err = operatorKey(c); err != nil {
		return err
	}
	if r.Store, err = openStore(ctx, c, schema, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	return errors.Join(f(r), r.Store.Close())
}

// repos is the registry as the commands use it.
type repos struct {
	*store.Store
	app    *app
	config config
	key    []byte
	by     people.Actor
}

// rules gives what decides on a name.
func (r *repos) rules(ctx context.Context, name string) (registry.Rules, error) {
	entries, err := r.Entries.For(ctx, registry.Origin{Name: name})
	return registry.Rules{Key: r.key, Entries: entries, Shared: string(r.config.webhookSecret),
		For: r.config.repositories}, err
}

// userName is the user who gives the command, for the audit.
func userName() string {
	if u, err := user.Current(); err == nil {
		return "command line, user " + u.Username
	}
	return "command line"
}

func newReposAdd(a *app) *cobra.Command {
	var organization, hooks, fresh bool
	wait := pingWait
	cmd := &cobra.Command{
		Use:   "add OWNER/NAME|OWNER/PATTERN",
		Short: "Let in a repository, or all whose name fits a pattern",
		Long: "Add lets deliveries of a repository in and prints the webhook's address and secret, once; `vivarium " +
			"repos\nsecret` prints it again. In a pattern * stands for any characters; each repository that fits " +
			"has a secret of\nits own. With --organization one secret counts for all that fit: that of a hook of " +
			"the whole organization,\nwhich none but its owners can see. Before the server's first start there is " +
			"no database: --new makes it.\n\nWith --hooks the webhooks are created on GitHub, or updated, with " +
			"GITHUB_TOKEN, of each repository that fits; each\nmust then deliver a ping to the server, which has " +
			"to be running. It exits with 1 when one could not be done, and\nmay be repeated.",
		Example: "  vivarium repos add --new octo/hello\n  vivarium repos add 'school/group-*'\n  vivarium repos " +
			"add 'school/group-*' --hooks\n  vivarium repos add 'corp/*' --organization",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, err := kindOf(args[0], organization)
			if err != nil {
				return fmt.Errorf("cannot let in %s: %w", args[0], err)
			}
			return a.registryToBe(cmd.Context(), fresh, func(r *repos) error {
				if hooks {
					return r.addWithHooks(cmd.Context(), kind, args[0], wait)
				}
				return r.add(cmd.Context(), kind, args[0])
			})
		},
	}
	cmd.Flags().BoolVar(&fresh, "new", false, "make the server's database where there is none: before its first start")
	cmd.Flags().BoolVar(&organization, "organization", false,
		"one secret for all that fit: a hook of the organization itself")
	cmd.Flags().BoolVar(&hooks, "hooks", false, "create the webhooks on GitHub, and wait for the ping of each")
	cmd.Flags().DurationVar(&wait, "wait", wait, "with --hooks, how long each ping may take to come")
	cmd.MarkFlagsMutuallyExclusive("organization", "hooks")
	return cmd
}

func kindOf(pattern string, organization bool) (registry.Kind, error) {
	switch err := registry.CheckPattern(pattern); {
	case err != nil:
		return "", err
	case organization && !registry.IsPattern(pattern):
		return "", errors.New("--organization goes with a pattern, such as OWNER/*")
	case organization:
		return registry.Organization, nil
	case registry.IsPattern(pattern):
		return registry.Pattern, nil
	}
	return registry.Repository, nil
}

func (r *repos) add(ctx context.Context, kind registry.Kind, name string) error {
	e, err := r.Entries.Add(ctx, r.by, kind, name)
	if errors.Is(err, entries.ErrExists) {
		return fmt.Errorf("cannot let in %s: it is let in already; `vivarium repos list` shows it", name)
	}
	if err != nil {
		return fmt.Errorf("cannot let in %s: %w", name, err)
	}
	out := r.app.stdout
	if kind == registry.Pattern {
		fmt.Fprintf(out, "Let in every repository whose name fits %s.\n"+
			"Each has a secret of its own: vivarium repos secret OWNER/NAME\n", name)
		return nil
	}
	fmt.Fprintf(out, "Let in %s.\n", name)
	r.printHook(e.SecretName, e.Generation)
	return nil
}

// addWithHooks lets in what is not let in yet, then creates the webhooks. The server must know a
// name before the ping for it comes.
func (r *repos) addWithHooks(ctx context.Context, kind registry.Kind, name string, wait time.Duration) error {
	switch _, err := r.Entries.Add(ctx, r.by, kind, name); {
	case errors.Is(err, entries.ErrExists):
		fmt.Fprintf(r.app.stdout, "%s is let in already.\n", name)
	case err != nil:
		return fmt.Errorf("cannot let in %s: %w", name, err)
	default:
		fmt.Fprintf(r.app.stdout, "Let in %s.\n", name)
	}
	return r.addHooks(ctx, name, wait)
}

// printHook says what to enter on GitHub.
func (r *repos) printHook(name string, generation int64) {
	fmt.Fprintf(r.app.stdout, "  Payload URL   %s\n  Content type  application/json\n  Secret        %s\n"+
		"  Events        Just the push event\n",
		r.webhookURL(), registry.Secret(r.key, name, generation))
}

func (r *repos) webhookURL() string {
	if r.config.publicURL == nil {
		return "https://HOST/webhook (set VIVARIUM_PUBLIC_URL to see it whole)"
	}
	return r.config.hookURL()
}

func newReposSecret(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "secret OWNER/NAME",
		Short:   "Print the webhook's address and secret of a repository",
		Example: "  vivarium repos secret school/group-7",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.registryOf(cmd.Context(), func(r *repos) error { return r.secret(cmd.Context(), args[0]) })
		},
	}
}

func (r *repos) secret(ctx context.Context, name string) error {
	rules, err := r.rules(ctx, name)
	if err != nil {
		return fmt.Errorf("cannot find the secret: %w", err)
	}
	for _, e := range rules.Entries {
		has := e.Kind == registry.Organization || e.Kind != registry.Pattern && ownSecret(e, rules.Entries)
		if has && strings.EqualFold(e.Name, name) {
			r.printHook(e.SecretName, e.Generation)
			return nil
		}
	}
	if registry.IsPattern(name) {
		return fmt.Errorf("cannot find a secret of %s: each repository has one of its own; name one, as OWNER/NAME",
			name)
	}
	g, err := rules.Find(registry.Origin{Name: name}, time.Now())
	if err != nil || !ownSecret(g.Entry, rules.Entries) {
		return fmt.Errorf("cannot find a secret of %s: nothing lets it in by a secret of its own; `vivarium repos "+
			"add %s` does", name, name)
	}
	if g.Entry.Kind == registry.Pattern { // no delivery of it has come yet
		g.Entry.SecretName, g.Entry.Generation = name, 0
	}
	r.printHook(g.Entry.SecretName, g.Entry.Generation)
	return nil
}

func newReposFix(a *app) *cobra.Command {
	return fix.Command(fix.Streams{In: a.stdin, Out: a.stdout}, func(
		ctx context.Context, f func(fix.Registry) error,
	) error {
		return a.registryOf(ctx, func(r *repos) error {
			return f(fix.Registry{Entries: r.Entries, By: r.by, Limits: r.config.build.Limits, Explain: r.explain})
		})
	})
}

func newReposRotate(a *app) *cobra.Command {
	var grace time.Duration
	cmd := &cobra.Command{
		Use:     "rotate OWNER/NAME",
		Short:   "Give a repository a new secret; the old one counts a while longer",
		Example: "  vivarium repos rotate school/group-7 --grace 24h",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.registryOf(cmd.Context(), func(r *repos) error {
				e, err := r.Entries.Rotate(cmd.Context(), r.by, args[0], grace)
				if err != nil {
					return r.explain("change the secret of", args[0], err)
				}
				fmt.Fprintf(a.stdout, "%s has a new secret. The old one counts until %s.\n",
					e.Name, localTime(e.OldUntil))
				r.printHook(e.SecretName, e.Generation)
				return nil
			})
		},
	}
	cmd.Flags().DurationVar(&grace, "grace", time.Hour, "how long the old secret still counts; 0 ends it at once")
	return cmd
}

func newReposDisable(a *app) *cobra.Command {
	return a.changeRepos("disable OWNER/NAME|OWNER/PATTERN", "Refuse its deliveries until it is enabled again",
		"closed",
		func(ctx context.Context, r *repos, name string) error {
			return r.Entries.Disable(ctx, r.by, name, true)
		})
}

func newReposEnable(a *app) *cobra.Command {
	return a.changeRepos("enable OWNER/NAME|OWNER/PATTERN", "Take its deliveries again", "open",
		func(ctx context.Context, r *repos, name string) error {
			return r.Entries.Disable(ctx, r.by, name, false)
		})
}

func newReposRemove(a *app) *cobra.Command {
	cmd := a.changeRepos("rm OWNER/NAME|OWNER/PATTERN", "Take it out of the registry; its builds stay",
		"", func(ctx context.Context, r *repos, name string) error { return r.remove(ctx, name) })
	cmd.Long = "Rm takes an entry out of the registry, with what was learnt of the repositories that it let in; " +
		"builds stay. What another\nentry or GITHUB_WEBHOOK_SECRET lets in too is still built; `vivarium repos " +
		"disable` closes it. How often a secret was changed is\nnot kept: let in again, a repository has its first " +
		"one."
	return cmd
}

// remove removes an entry. It says what may differ from what the user expects then.
func (r *repos) remove(ctx context.Context, name string) error {
	changed, err := r.Entries.Remove(ctx, r.by, name)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.app.stdout, "%s is taken out.\n", name)
	for _, one := range changed {
		r.printFirstSecret(one)
	}
	if registry.IsPattern(name) {
		return nil
	}
	by, err := r.stillLetIn(ctx, name)
	if err == nil && by != "" {
		fmt.Fprintf(r.app.stdout, "%s still lets %s in; `vivarium repos disable` closes what an entry of the "+
			"registry lets in.\n", by, name)
	}
	return err
}

// printFirstSecret warns that an old secret counts again, which may have been changed because it
// leaked.
func (r *repos) printFirstSecret(name string) {
	fmt.Fprintf(r.app.stdout, "The webhook secret of %s had been changed. Let in again, the first one counts: "+
		"vivarium repos rotate %s --grace 0s\n", oneLine(name), oneLine(name))
}

// stillLetIn is what lets in a repository that has no entry of its own; empty for nothing.
func (r *repos) stillLetIn(ctx context.Context, name string) (by string, err error) {
	rules, err := r.rules(ctx, name)
	if err != nil {
		return "", fmt.Errorf("cannot look what lets %s in: %w", name, err)
	}
	switch g, err := rules.Find(registry.Origin{Name: name}, time.Now()); {
	case errors.Is(err, registry.ErrUnknown):
		return "", nil
	case err != nil:
		return "", err
	case g.Entry.Name != "":
		return g.Entry.Name, nil
	}
	return "VIVARIUM_REPOSITORIES", nil
}

func (a *app) changeRepos(use, short, done string,
	change func(context.Context, *repos, string) error) *cobra.Command {
	verb, _, _ := strings.Cut(use, " ")
	return &cobra.Command{
		Use: use, Short: short, Example: "  vivarium repos " + verb + " octo/hello", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.registryOf(cmd.Context(), func(r *repos) error {
				if err := change(cmd.Context(), r, args[0]); err != nil {
					return r.explain(verb, args[0], err)
				}
				if done != "" {
					fmt.Fprintf(a.stdout, "%s is %s.\n", args[0], done)
				}
				return nil
			})
		},
	}
}

func (r *repos) explain(verb, name string, err error) error {
	if errors.Is(err, database.ErrNotFound) {
		return fmt.Errorf("cannot %s %s: it is not in the registry; `vivarium repos list` shows what is", verb, name)
	}
	return fmt.Errorf("cannot %s %s: %w", verb, name, err)
}
