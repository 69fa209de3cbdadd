package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"vivarium/server/github"
	"vivarium/server/registry"
)

// confirmTimeout bounds the one question to GitHub that an answer may wait for: what a repository that is known by its id
// is called now. It is asked only after a signature held.
const confirmTimeout = 5 * time.Second

// A repository is renamed once in a while. Each question counts against the token's limit at GitHub, by which all repositories'
// statuses are sent, and who holds one's secret can claim another new name with each delivery.
const (
	confirmBurst = 5
	confirmEvery = 10 * time.Minute
)

// confirms bounds the questions for each entry of the registry, of which there are no more than its operator has let in.
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

// gate lets one delivery in, or not.
type gate struct {
	*Server
	ctx   context.Context
	claim registry.Claim
	grant registry.Grant
}

// keys gives the secrets of which one must have signed what claims to be a repository's.
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
	if errors.Is(err, registry.ErrUnknown) {
		return nil, g.refuse()
	}
	return g.grant.Secrets, err
}

// refuse says how the repository is let in, in words that are the same for every one that is not.
func (g *gate) refuse() error {
	if g.refusals.Allow() {
		if err := g.builds.Refuse(g.ctx, g.claim.Name); err != nil {
			return err
		}
	}
	name := g.claim.Name
	if name == "" {
		name = "OWNER/NAME"
	}
	return &Problem{
		Message: fmt.Sprintf("this server does not build %s; its operator lets it in with: vivarium repos add %s", name, name),
		status:  http.StatusForbidden,
	}
}

// believe settles what the signature alone does not say: that a repository found by its id has the claimed name now. Else
// whoever holds one repository's secret could name any other's repository beside its own id.
func (g *gate) believe() error {
	if !g.grant.Renamed {
		return nil
	}
	if g.config.NameOf == nil {
		return g.refuse()
	}
	if !g.confirms.allow(g.grant.Entry.ID) {
		return &Problem{Message: "this repository's deliveries had GitHub asked for its name too often; deliver again later", status: http.StatusServiceUnavailable}
	}
	ctx, cancel := context.WithTimeout(g.ctx, confirmTimeout)
	defer cancel()
	name, err := g.config.NameOf(ctx, g.claim.ID)
	if err != nil {
		return &Problem{Message: "GitHub did not say whether this repository was renamed; deliver again later", status: http.StatusServiceUnavailable}
	}
	if !strings.EqualFold(name, g.claim.Name) {
		return g.refuse()
	}
	return g.builds.Rename(g.ctx, g.grant.Entry.ID, g.claim.Name)
}

// heard notes a delivery that asks for no build, such as the ping by which GitHub tries a new webhook. An organization's
// ping names no repository. One that says that its repository is private hides what was built of it before.
func (g *gate) heard(private bool) error {
	if !strings.Contains(g.claim.Name, "/") {
		return nil
	}
	if private {
		return g.builds.Hide(g.ctx, g.grant.Entry, g.claim.Name)
	}
	return g.builds.Heard(g.ctx, g.grant.Entry, g.claim.Name)
}
