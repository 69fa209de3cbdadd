package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vivarium/server/registry"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
)

func newToken(a *app) *cobra.Command {
	var repo string
	var read bool
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make the tokens by which people see builds",
		Long: "Token without a flag renews the operator's token, which opens everything: the old one opens nothing " +
			"from then on,\nand who signed in by it is signed out. With --repo and --read it makes a token that " +
			"shows the builds of the\nrepositories that a pattern names. A token is printed once and kept as a " +
			"hash. Browsers sign in by it; programs\nsend it as `Authorization: Bearer TOKEN`.",
		Example: "  vivarium token\n  vivarium token --repo 'school/group-7' --read\n  vivarium token list\n" +
			"  vivarium token rm 3",
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkTokenFlags(cmd, repo, read); err != nil {
				return err
			}
			return a.registryOf(cmd.Context(), func(r *repos) error { return r.makeToken(cmd.Context(), repo) })
		},
	}
	cmd.Flags().StringVar(&repo, "repo", "", "OWNER/NAME or OWNER/PATTERN that the token opens")
	cmd.Flags().BoolVar(&read, "read", false, "the token shows builds, and does nothing else")
	cmd.AddCommand(newTokenList(a), newTokenRemove(a))
	return cmd
}

// checkTokenFlags requires --read, so that tokens with more rights can be added later without a
// change of meaning.
func checkTokenFlags(cmd *cobra.Command, repo string, read bool) error {
	named := cmd.Flags().Changed("repo")
	switch {
	case !named && !read:
		return nil
	case !named:
		return errors.New("cannot make a token: --read goes with --repo OWNER/NAME or OWNER/PATTERN")
	case !read:
		return errors.New("cannot make a token: add --read; a token for repositories shows their builds, and that " +
			"is all it may do")
	}
	if err := registry.CheckPattern(repo); err != nil {
		return fmt.Errorf("cannot make a token: %w", err)
	}
	return nil
}

func (r *repos) makeToken(ctx context.Context, repo string) error {
	if repo == "" {
		text, err := r.People.RenewOperatorToken(ctx, r.by)
		if err != nil {
			return fmt.Errorf("cannot renew the operator's token: %w", err)
		}
		fmt.Fprintf(r.app.stdout, "The operator's token, which opens everything. It is not shown again:\n%s\n", text)
		return nil
	}
	text, err := r.People.AddToken(ctx, r.by, repo)
	if err != nil {
		return fmt.Errorf("cannot make a token: %w", err)
	}
	fmt.Fprintf(r.app.stdout, "A token that shows the builds of %s. It is not shown again:\n%s\n", repo, text)
	return nil
}

func newTokenList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the tokens, without their texts",
		Example: "  vivarium token list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.registryOf(cmd.Context(), func(r *repos) error {
				tokens, err := r.People.Tokens(cmd.Context())
				if err != nil {
					return fmt.Errorf("cannot list the tokens: %w", err)
				}
				return printTokens(a.stdout, tokens)
			})
		},
	}
}

func printTokens(w io.Writer, tokens []people.Token) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tOPENS\tMADE\tLAST USED (TO THE HOUR)")
	for _, k := range tokens {
		opens, used := k.Pattern, "-"
		if k.Operator() {
			opens = "everything"
		}
		if !k.UsedAt.IsZero() {
			used = k.UsedAt.Local().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\n", k.ID, opens, localTime(k.MadeAt), used)
	}
	return t.Flush()
}

func newTokenRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "rm ID",
		Short:   "Remove a token; who signed in by it is signed out",
		Example: "  vivarium token rm 3",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return fmt.Errorf("cannot remove token %q: name it by its id, which `vivarium token list` shows",
					args[0])
			}
			return a.registryOf(cmd.Context(), func(r *repos) error {
				err := r.People.RemoveToken(cmd.Context(), r.by, id)
				if errors.Is(err, database.ErrNotFound) {
					return fmt.Errorf("cannot remove token %d: there is none; `vivarium token list` shows them", id)
				}
				if err != nil {
					return fmt.Errorf("cannot remove token %d: %w", id, err)
				}
				fmt.Fprintf(a.stdout, "Removed token %d.\n", id)
				return nil
			})
		},
	}
}

// showFirstToken makes the operator's token at the first start. It prints the token and keeps it
// out of the log, since logs are kept.
func (s *daemon) showFirstToken(ctx context.Context) error {
	text, err := s.store.People.FirstOperatorToken(ctx, people.Actor{Who: "the first start of serve"})
	if err != nil || text == "" {
		return err
	}
	_, err = fmt.Fprintf(s.stdout, "The operator's token, which opens every build's page. It is not shown again; "+
		"`vivarium token` makes a new one:\n%s\n", text)
	return err
}
