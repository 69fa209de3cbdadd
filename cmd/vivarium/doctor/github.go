package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/gitline"
	"vivarium/server/github"
	"vivarium/server/store/outbox"
)

// shortSecret is the least length of a secret without advice. GitHub recommends a random string of
// high entropy; 20 random letters and digits have 119 bits.
const shortSecret = 20

// Webhook checks whose deliveries would be accepted: the shared secret has n characters and opens
// so many named patterns; so many entries of the registry let something in.
func Webhook(c *Checkup, n, named, entries int) {
	switch {
	case (n == 0) != (named == 0):
		c.Add(Essential, "webhook", "GITHUB_WEBHOOK_SECRET and VIVARIUM_REPOSITORIES go together: set both or neither")
	case n == 0 && entries == 0:
		c.Add(Essential, "webhook", "no repository is let in: use `vivarium repos add OWNER/NAME`, or set "+
			"GITHUB_WEBHOOK_SECRET and VIVARIUM_REPOSITORIES")
	case n > 0 && n < shortSecret:
		c.Add(Advice, "webhook", "the secret has %d characters; take a random one of at least %d, such as `openssl "+
			"rand -hex 32` prints", n, shortSecret)
	default:
		c.Add(Fine, "webhook", "%s in the registry, %s for the shared secret",
			count(entries, "entry", "entries"), count(named, "pattern", "patterns"))
	}
}

// Token checks whether GitHub knows the token, and whether it may set statuses.
func Token(ctx context.Context, c *Checkup, client *github.Client) {
	info, err := client.Token(ctx)
	var refused *github.APIError
	switch {
	case errors.As(err, &refused) && refused.Code == http.StatusUnauthorized:
		c.Add(Essential, "token", "%v; make a new one and set GITHUB_TOKEN", err)
		return
	case err != nil:
		c.Add(Advice, "token", "cannot be checked now: %v; builds run, and their statuses are sent once GitHub answers",
			err)
		return
	}
	text := fmt.Sprintf("%s token of %s", info.Kind, cmp.Or(info.Login, "-"))
	if info.Expires != "" {
		text += ", valid until " + info.Expires
	}
	switch {
	case info.Kind != github.TokenClassic:
		c.Add(Fine, "token", "%s; GitHub does not tell what it may do: try --github OWNER/NAME@SHA", text)
	case slices.Contains(info.Scopes, "repo") || slices.Contains(info.Scopes, "repo:status"):
		c.Add(Fine, "token", "%s, scopes %s", text, strings.Join(info.Scopes, ", "))
	default:
		c.Add(Essential, "token", "%s may not set statuses: give it the scope repo:status, or repo for private "+
			"repositories", text)
	}
}

// PublicURL checks whether others are led to this server; u may be nil.
func PublicURL(ctx context.Context, c *Checkup, u *url.URL) {
	switch {
	case u == nil:
		c.Add(Advice, "public URL", "set VIVARIUM_PUBLIC_URL: without it statuses do not link to their builds")
	case isLocalHost(u.Hostname()):
		c.Add(Advice, "public URL", "%s leads others to their own machine; set VIVARIUM_PUBLIC_URL to an address "+
			"that they can reach", u)
	default:
		reach(ctx, c, u)
	}
}

func reach(ctx context.Context, c *Checkup, u *url.URL) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("healthz").String(), nil)
	if err != nil {
		c.Add(Advice, "public URL", "%v", err)
		return
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		c.Add(Advice, "public URL", "%v; is the server running, and the way to it open?", err)
		return
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		c.Add(Advice, "public URL", "%s answers %s; is it this server that stands there?", q.URL, r.Status)
		return
	}
	c.Add(Fine, "public URL", "%s answers", u)
}

func isLocalHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback() || addr.IsUnspecified()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// RoundTrip sets a status on commit, OWNER/NAME@SHA, and reads it back: no other check changes
// anything. The status has a context of its own, below that of builds, so that it never stands for
// a build.
func RoundTrip(ctx context.Context, c *Checkup, client *github.Client, commit, statusContext string) {
	repo, sha, ok := splitCommit(commit)
	if !ok {
		c.Add(Essential, "status", "%q is not OWNER/NAME@SHA with a full SHA", commit)
		return
	}
	st := pipeline.CommitStatus{Repo: repo, SHA: sha, Context: statusContext + "/doctor", State: "success",
		Description: "vivarium doctor could set this at " + time.Now().UTC().Format(time.RFC3339)}
	if err := client.Post(ctx, st); err != nil {
		c.Add(Essential, "status", "GitHub does not take a status for %s: %v", commit, err)
		return
	}
	got, err := client.Read(ctx, repo, sha, st.Context)
	switch {
	case err != nil:
		c.Add(Essential, "status", "a status was set but cannot be read back: %v", err)
	case got.State != st.State || got.Description != st.Description:
		c.Add(Essential, "status", "a status was set, but GitHub shows another: %s, %s",
			cmp.Or(got.State, "-"), cmp.Or(got.Description, "-"))
	default:
		c.Add(Fine, "status", "set on %s and read back, as %s", commit, st.Context)
	}
}

// Statuses looks for statuses that GitHub refuses, or that the server gave up.
func Statuses(ctx context.Context, c *Checkup, o *outbox.Outbox) {
	lost, err := o.Undelivered(ctx)
	switch {
	case err != nil:
		c.Add(Essential, "database", "%v", err)
	case lost != nil:
		c.Add(Advice, "database", "build %d: %s; `vivarium builds show %d` tells more",
			lost.BuildID, lost.Delivery().Text(time.Now()), lost.BuildID)
	default:
		c.Add(Fine, "database", "no status waits for GitHub, and none was given up in the last day")
	}
}

// splitCommit reads OWNER/NAME@SHA.
func splitCommit(s string) (repo, sha string, ok bool) {
	repo, sha, ok = strings.Cut(s, "@")
	return repo, sha, ok && repo != "" && gitline.CommitID.MatchString(sha)
}
