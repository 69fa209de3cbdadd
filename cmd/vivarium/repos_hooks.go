package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"vivarium/sandbox/quantity"
	"vivarium/server/github"
	"vivarium/server/registry"
)

const (
	// hooksAtOnce is how many repositories are worked on together. GitHub asks clients to make
	// changes one after the other, and most of the time goes into waiting for pings.
	hooksAtOnce = 4
	// pingWait is how long to wait for a ping unless the user says. GitHub sends it within a second
	// or two.
	pingWait  = 20 * time.Second
	pingLook  = 100 * time.Millisecond
	limitWait = time.Hour // GitHub's limits last no longer
)

// hookResult is what became of one repository's webhook.
type hookResult struct {
	repo string
	done string // what was done; empty: nothing
	left string // why nothing was done, when that is no failure
	err  error
}

// addHooks creates the webhook of each repository that name lets in, and prints each result.
func (r *repos) addHooks(ctx context.Context, name string, wait time.Duration) error {
	if r.config.publicURL == nil {
		return errors.New("cannot create webhooks: GitHub must be told where to deliver to; set VIVARIUM_PUBLIC_URL")
	}
	if r.config.token == "" {
		return errors.New("cannot create webhooks: set GITHUB_TOKEN to a token that may manage them; fine-grained: " +
			"Webhooks, read and write; classic: admin:repo_hook")
	}
	client, err := githubClient(r.config)
	if err != nil {
		return err
	}
	defer client.Close()
	names, results, err := r.hookable(ctx, client, name)
	if err != nil {
		return fmt.Errorf("cannot create webhooks: %w", err)
	}
	made := make([]hookResult, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(hooksAtOnce)
	for i, repo := range names {
		group.Go(func() error {
			made[i] = r.addHook(ctx, client, repo, wait)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return r.printHooks(append(made, results...))
}

// hookable gives the repositories of a pattern that the token can see on GitHub. A single name
// needs no look-up.
func (r *repos) hookable(ctx context.Context, client *github.Client, name string) (
	names []string, left []hookResult, err error) {
	if !registry.IsPattern(name) {
		return []string{name}, nil, nil
	}
	owner, _, _ := strings.Cut(name, "/")
	var all []github.Repository
	err = r.patiently(ctx, func() (err error) {
		all, err = client.Repositories(ctx, owner)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	names, left = fitting(all, name)
	if len(names)+len(left) == 0 {
		return nil, nil, fmt.Errorf("GitHub shows the token %d repositories of %s, and none whose name fits %s; "+
			"a token sees private ones only where it was given access to them", len(all), owner, name)
	}
	return names, left, nil
}

// fitting gives the repositories that a pattern lets in, and those that are left alone.
func fitting(all []github.Repository, pattern string) (names []string, left []hookResult) {
	for _, one := range all {
		switch {
		case !registry.Matches(pattern, one.FullName):
		case one.Archived:
			left = append(left, hookResult{repo: one.FullName, left: "left alone: it is archived"})
		default:
			names = append(names, one.FullName)
		}
	}
	return names, left
}

func (r *repos) addHook(ctx context.Context, client *github.Client, repo string, wait time.Duration) hookResult {
	secret, before, err := r.newestSecret(ctx, repo)
	if err != nil {
		return hookResult{repo: repo, err: err}
	}
	var id int64
	var created bool
	err = r.patiently(ctx, func() (err error) {
		id, created, err = client.EnsureHook(ctx, repo, r.webhookURL(), secret)
		return err
	})
	if err != nil {
		return hookResult{repo: repo, err: explainHook(err)}
	}
	done, what := "webhook updated", "changed the webhook of"
	if created {
		done, what = "webhook created", "created the webhook of"
	}
	if err := r.People.Note(ctx, r.by, what, repo); err != nil {
		return hookResult{repo: repo, done: done, err: err}
	}
	heard, err := r.awaitPing(ctx, repo, before, wait)
	if err != nil {
		return hookResult{repo: repo, done: done, err: err}
	}
	if heard {
		return hookResult{repo: repo, done: done + ", ping received"}
	}
	said, err := client.HookAnswer(ctx, repo, id)
	if err != nil {
		said = err.Error()
	}
	return hookResult{repo: repo, done: done, err: fmt.Errorf("no ping came within %s; GitHub says of it: %s; is "+
		"`vivarium serve` running, and reached at %s?",
		quantity.Duration(wait), said, r.webhookURL())}
}

// newestSecret is the secret that a repository's own webhook must sign with, and the time of its
// last delivery.
func (r *repos) newestSecret(ctx context.Context, repo string) (secret string, heard time.Time, err error) {
	rules, err := r.rules(ctx, repo)
	if err != nil {
		return "", heard, err
	}
	g, err := rules.Find(registry.Origin{Name: repo}, time.Now())
	switch {
	case errors.Is(err, registry.ErrUnknown):
		return "", heard, fmt.Errorf("its deliveries are refused: vivarium repos enable %s", repo)
	case err != nil:
		return "", heard, err
	case !ownSecret(g.Entry, rules.Entries):
		return "", heard, errors.New("an organization's hook or GITHUB_WEBHOOK_SECRET lets it in, whose secret is " +
			"not for a repository's own webhook")
	}
	for _, e := range rules.Entries {
		if e.Kind != registry.Pattern && strings.EqualFold(e.Name, repo) {
			heard = e.DeliveryAt
		}
	}
	return g.Secrets[0], heard, nil
}

// ownSecret reports whether the entry that lets a repository in gives it a secret of its own.
func ownSecret(by registry.Entry, entries []registry.Entry) bool {
	if by.Kind != registry.Seen {
		return by.Kind == registry.Repository || by.Kind == registry.Pattern
	}
	for _, e := range entries {
		if e.ID == by.Parent {
			return e.Kind == registry.Pattern
		}
	}
	return false
}

// awaitPing waits until the server has noted a delivery that is newer than before.
func (r *repos) awaitPing(ctx context.Context, repo string, before time.Time, wait time.Duration) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	tick := time.NewTicker(pingLook)
	defer tick.Stop()
	for {
		entries, err := r.Entries.For(context.WithoutCancel(ctx), registry.Origin{Name: repo})
		if err != nil {
			return false, fmt.Errorf("look for the ping: %w", err)
		}
		for _, e := range entries {
			if e.Kind != registry.Pattern && strings.EqualFold(e.Name, repo) && e.DeliveryAt.After(before) {
				return true, nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, nil
		}
	}
}

// patiently asks again once GitHub's rate limit allows it.
func (r *repos) patiently(ctx context.Context, ask func() error) error {
	for started := time.Now(); ; {
		err := ask()
		var refusal *github.APIError
		if !errors.As(err, &refusal) || !refusal.RateLimit || time.Since(started) > limitWait {
			return err
		}
		at := refusal.RetryAt.Add(time.Second)
		fmt.Fprintf(r.app.stderr, "vivarium: GitHub's rate limit: going on at %s\n", at.Local().Format(time.TimeOnly))
		select {
		case <-time.After(time.Until(at)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// explainHook adds to GitHub's answer what the token lacks.
func explainHook(err error) error {
	var refusal *github.APIError
	if !errors.As(err, &refusal) {
		return err
	}
	switch refusal.Code {
	case http.StatusUnauthorized:
		return fmt.Errorf("%w; GITHUB_TOKEN is wrong or has expired", err)
	case http.StatusForbidden, http.StatusNotFound:
		return fmt.Errorf("%w; the token may not manage its webhooks (fine-grained: Webhooks, read and write; "+
			"classic: admin:repo_hook), "+
			"its owner does not administer it, or there is no such repository", err)
	}
	return err
}

func (r *repos) printHooks(results []hookResult) error {
	t := tabwriter.NewWriter(r.app.stdout, 0, 0, 2, ' ', 0)
	failed := 0
	for _, h := range results {
		said := h.done + h.left
		if h.err != nil {
			failed++
			said = "not done: " + h.err.Error()
			if h.done != "" {
				said = h.done + ", but " + h.err.Error()
			}
		}
		fmt.Fprintf(t, "%s\t%s\n", oneLine(h.repo), oneLine(said))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		fmt.Fprintf(r.app.stdout, "%d of %d not done. The same command goes on where this one could not.\n",
			failed, len(results))
		return exitError(exitNo)
	}
	return nil
}
