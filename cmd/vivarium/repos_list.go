package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vivarium/server/registry"
	"vivarium/server/store/outbox"
)

func newReposList(a *app) *cobra.Command {
	var refused bool
	cmd := &cobra.Command{
		Use: "list",
		Short: "List what is let in, with the last delivery, the last status that GitHub accepted, and what the " +
			"token may not do",
		Example: "  vivarium repos list\n  vivarium repos list --refused",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.registryOf(cmd.Context(), func(r *repos) error {
				if refused {
					return r.printRefusals(cmd.Context())
				}
				return r.printEntries(cmd.Context())
			})
		},
	}
	cmd.Flags().BoolVar(&refused, "refused", false, "list the names of which deliveries were refused instead")
	return cmd
}

func (r *repos) printEntries(ctx context.Context) error {
	entries, err := r.Entries.List(ctx)
	if err != nil {
		return fmt.Errorf("cannot list the registry: %w", err)
	}
	statuses, err := r.Outbox.Last(ctx)
	if err != nil {
		return fmt.Errorf("cannot list the registry: %w", err)
	}
	t := tabwriter.NewWriter(r.app.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "REPOSITORY\tLET IN BY\tDELIVERY\tSTATUS\tLIMITS\tREMARK")
	for _, p := range r.config.repositories {
		fmt.Fprintf(t, "%s\tGITHUB_WEBHOOK_SECRET\t-\t-\t-\t\n", p)
	}
	for _, e := range entries {
		last := statuses[strings.ToLower(e.Name)]
		used, err := r.Queue.Used(ctx, e)
		if err != nil {
			return fmt.Errorf("cannot list the registry: %w", err)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", oneLine(e.Name), letInBy(e, entries), localTime(e.DeliveryAt),
			sentStatus(last),
			e.Limits.Against(used), remark(e, last, time.Now()))
	}
	return t.Flush()
}

// letInBy says which secret opens an entry.
func letInBy(e registry.Entry, entries []registry.Entry) string {
	switch e.Kind {
	case registry.Repository:
		return "a secret of its own"
	case registry.Pattern:
		return "a secret of each"
	case registry.Organization:
		return "the organization's hook"
	}
	for _, p := range entries {
		if p.ID == e.Parent {
			return p.Name
		}
	}
	return "GITHUB_WEBHOOK_SECRET"
}

func sentStatus(s outbox.RepoStatus) string {
	if s.SentAt.IsZero() {
		return "-"
	}
	return s.State + " " + localTime(s.SentAt)
}

func remark(e registry.Entry, s outbox.RepoStatus, now time.Time) string {
	switch {
	case e.Disabled:
		return "closed"
	case s.Refusal != "":
		return mayNot(s.Code) + ": " + oneLine(s.Refusal)
	case now.Before(e.OldUntil):
		return "the old secret counts until " + localTime(e.OldUntil)
	case e.Fixed != "":
		return "what is fixed: vivarium repos fix " + oneLine(e.Name)
	}
	return ""
}

// mayNot says what GitHub's refusal of a status means for the token. For a private repository that
// the token does not cover, GitHub answers 404, as if it did not exist.
func mayNot(code int) string {
	switch code {
	case http.StatusUnauthorized:
		return "GITHUB_TOKEN is wrong or has expired"
	case http.StatusForbidden:
		return "GITHUB_TOKEN may not set its statuses"
	case http.StatusNotFound:
		return "GITHUB_TOKEN may not set its statuses, or does not see it"
	}
	return "GitHub refused a status"
}

func (r *repos) printRefusals(ctx context.Context) error {
	refusals, err := r.Entries.Refusals(ctx)
	if err != nil {
		return fmt.Errorf("cannot list what was refused: %w", err)
	}
	t := tabwriter.NewWriter(r.app.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "REPOSITORY\tTIMES\tFIRST\tLAST\tWHY")
	for _, f := range refusals {
		why, err := r.whyRefused(ctx, f.Name)
		if err != nil {
			return fmt.Errorf("cannot list what was refused: %w", err)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\n", oneLine(f.Name), f.Count, localTime(f.First), localTime(f.Last), why)
	}
	return t.Flush()
}

// whyRefused says why deliveries of a name would be refused now.
func (r *repos) whyRefused(ctx context.Context, name string) (string, error) {
	rules, err := r.rules(ctx, name)
	if err != nil {
		return "", err
	}
	switch _, err := rules.Find(registry.Origin{Name: name}, time.Now()); {
	case errors.Is(err, registry.ErrUnknown):
		return "not let in", nil
	case err != nil:
		return "", err
	}
	return "let in, but signed by another secret", nil
}
