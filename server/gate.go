package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"vivarium/pipeline"
	"vivarium/server/github"
	"vivarium/server/registry"
)

// confirmTimeout bounds the only question to GitHub that an answer may wait for: the present name
// of a repository that is known by its ID. It is asked only after a signature was right.
const confirmTimeout = 5 * time.Second

// A repository is renamed once in a while. Each question counts against the token's limit at
// GitHub, which the statuses of all repositories need too, and whoever holds one repository's
// secret can claim another new name with each delivery.
const (
	confirmBurst = 5
	confirmEvery = 10 * time.Minute
)

// confirms bounds the questions for each entry of the registry. There are no more entries than the
// operator has let in.
type confirms struct {
	mu      sync.Mutex
	byEntry map[int64]*rate.Limiter
}

func (c *confirms) allow(entry int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byEntry == nil {
		c.byEntry = map[int64]*rate.Limiter{}
	}
	if c.byEntry[entry] == nil {
		c.byEntry[entry] = rate.NewLimiter(rate.Every(confirmEvery), confirmBurst)
	}
	return c.byEntry[entry].Allow()
}

// gate lets one delivery in, or not. A delivery that nothing lets in and one signed by another
// secret get the same answer after the same work: whoever cannot sign for a repository does not
// learn whether it is let in.
type gate struct {
	*Server
	ctx   context.Context
	claim registry.Claim
	grant registry.Grant
}

// keys gives the secrets of which one must have signed a delivery with this claim. Their number is
// always the same, so that the time to try them tells nothing; secrets that nobody has fill it up.
func (g *gate) keys(c github.Claim) ([]string, error) {
	g.claim = registry.Claim{Name: c.Repository, ID: c.ID}
	if c.Repository == "" {
		g.claim.Name = c.Owner
	}
	entries, err := g.builds.EntriesFor(g.ctx, g.claim)
	if err != nil {
		return nil, err
	}
	rules := registry.Rules{
		Key: []byte(g.config.Key), Entries: entries, Shared: string(g.config.WebhookSecret), For: g.config.Repositories,
	}
	g.grant, err = rules.Find(g.claim, time.Now())
	if err != nil && !errors.Is(err, registry.ErrUnknown) {
		return nil, err
	}
	secrets := slices.Clone(g.grant.Secrets)
	for len(secrets) < registry.MostSecrets {
		secrets = append(secrets, rand.Text())
	}
	return secrets, nil
}

// refuse says how the repository is let in and how its secret is compared, in the same words for
// everybody.
func (g *gate) refuse() error {
	if g.refusals.Allow() {
		if err := g.builds.Refuse(g.ctx, g.claim.Name); err != nil {
			return err
		}
	}
	return &Problem{Message: refusal(g.claim.Name), status: http.StatusUnauthorized}
}

// refusal is for the operator, who reads it among the webhook's recent deliveries. name is an
// owner's for an organization's delivery, and empty when the delivery has none.
func refusal(name string) string {
	what, option := cmp.Or(name, "OWNER/NAME"), ""
	if name != "" && !strings.Contains(name, "/") {
		what, option = "'"+name+"/*'", " --organization"
	}
	return fmt.Sprintf("no delivery of %[1]s is taken under this signature. Where it is let in, the webhook on "+
		"GitHub and this server hold different "+
		"secrets: compare them (vivarium repos secret %[1]s, or GITHUB_WEBHOOK_SECRET). Where it is not, the "+
		"operator lets it in: vivarium repos add %[1]s%[2]s",
		what, option)
}

// believe settles what the signature alone does not show: that a repository found by its ID has the
// claimed name now. Otherwise whoever holds one repository's secret could put any other
// repository's name beside its own ID.
func (g *gate) believe() error {
	if !g.grant.Renamed {
		return nil
	}
	if g.config.NameOf == nil {
		return g.refuse()
	}
	if !g.confirms.allow(g.grant.Entry.ID) {
		return &Problem{Message: "this repository's deliveries had GitHub asked for its name too often; deliver " +
			"again later", status: http.StatusServiceUnavailable}
	}
	ctx, cancel := context.WithTimeout(g.ctx, confirmTimeout)
	defer cancel()
	name, err := g.config.NameOf(ctx, g.claim.ID)
	if err != nil {
		return &Problem{Message: "GitHub did not say whether this repository was renamed; deliver again later",
			status: http.StatusServiceUnavailable}
	}
	if !strings.EqualFold(name, g.claim.Name) {
		return g.refuse()
	}
	return g.builds.Rename(g.ctx, g.grant.Entry.ID, g.claim.Name)
}

// heard notes a delivery that asks for no build, such as the ping by which GitHub tries a new
// webhook. An organization's ping names no repository. A delivery that says that its repository is
// private hides the repository's earlier builds.
func (g *gate) heard(private bool) error {
	if !strings.Contains(g.claim.Name, "/") {
		return nil
	}
	return g.builds.Heard(g.ctx, g.grant.Entry, pipeline.Repository{FullName: g.claim.Name, Private: private})
}
