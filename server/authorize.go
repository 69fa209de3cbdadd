package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"vivarium/server/answers"
	"vivarium/server/github"
	"vivarium/server/registry"
)

// authorized is a delivery that counts: somebody who may has signed it, and its repository has the
// name that it claims.
type authorized struct {
	github.Delivery
	via registry.Entry // what lets it in
}

// authorize reads a delivery and decides whether it counts. One that nothing lets in and one signed
// by another secret get the same answer after the same work: whoever cannot sign for a repository
// does not learn whether it is let in.
func (s *Server) authorize(ctx context.Context, h http.Header, body []byte) (authorized, error) {
	u, err := github.ReadDelivery(h, body)
	if err != nil {
		return authorized{}, err
	}
	origin := originOf(u.Origin)
	grant, err := s.grantFor(ctx, origin)
	if err != nil {
		return authorized{}, err
	}
	d, err := u.Verify(grant.Secrets)
	if errors.Is(err, github.ErrSignature) {
		return authorized{}, s.refuse(ctx, origin.Name)
	}
	if err != nil {
		return authorized{}, err
	}
	if grant.Renamed {
		if err := s.followRenaming(ctx, grant.Entry, origin); err != nil {
			return authorized{}, err
		}
	}
	return authorized{Delivery: d, via: grant.Entry}, nil
}

// originOf is what the registry decides by. An organization's ping names no repository.
func originOf(c github.Origin) registry.Origin {
	return registry.Origin{Name: cmp.Or(c.Repository, c.Owner), ID: c.ID}
}

// grantFor gives what must have signed a delivery with this origin. It always has as many secrets,
// so that the time to try them tells nothing; secrets that nobody has fill it up.
func (s *Server) grantFor(ctx context.Context, origin registry.Origin) (registry.Grant, error) {
	entries, err := s.builds.Entries.For(ctx, origin)
	if err != nil {
		return registry.Grant{}, err
	}
	rules := registry.Rules{
		Key: []byte(s.config.Key), Entries: entries, Shared: string(s.config.WebhookSecret), For: s.config.Repositories,
	}
	grant, err := rules.Find(origin, time.Now())
	if err != nil && !errors.Is(err, registry.ErrUnknown) {
		return registry.Grant{}, err
	}
	for len(grant.Secrets) < registry.MostSecrets {
		grant.Secrets = append(grant.Secrets, rand.Text())
	}
	return grant, nil
}

// refuse says how the repository is let in and how its secret is compared, in the same words for
// everybody. name is what the delivery claims.
func (s *Server) refuse(ctx context.Context, name string) error {
	if s.refusals.Allow() {
		if err := s.builds.Entries.Refuse(ctx, name); err != nil {
			return err
		}
	}
	return &Problem{Message: answers.Refusal(name), status: http.StatusUnauthorized}
}
