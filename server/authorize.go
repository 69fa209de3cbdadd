package server

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"vivarium/server/answers"
	"vivarium/server/github/delivery"
	"vivarium/server/registry"
	"vivarium/server/signers"
)

// authorized is a delivery that counts: somebody who may has signed it, and its repository has the
// name that it claims.
type authorized struct {
	delivery.Verified
	via   registry.Entry // what lets it in
	byApp bool           // the App's secret has signed it
}

// authorize reads a delivery and decides whether it counts. One that nothing lets in and one signed
// by another secret get the same answer after the same work: whoever cannot sign for a repository
// does not learn whether it is let in.
func (s *Server) authorize(ctx context.Context, h http.Header, body []byte) (authorized, error) {
	u, err := delivery.Read(h, body)
	if err != nil {
		return authorized{}, err
	}
	origin := originOf(u.Origin)
	may, err := s.signers().Of(ctx, origin)
	if err != nil {
		return authorized{}, err
	}
	d, err := u.Verify(may.Secrets)
	if errors.Is(err, delivery.ErrSignature) {
		return authorized{}, s.refuse(ctx, origin.Name)
	}
	if err != nil {
		return authorized{}, err
	}
	if may.Renamed {
		if err := s.followRenaming(ctx, may.Entry, origin); err != nil {
			return authorized{}, err
		}
	}
	if err := s.signers().NoteApp(ctx, may, d.Signer, origin.Name); err != nil {
		return authorized{}, err
	}
	return authorized{Verified: d, via: may.Entry, byApp: may.IsApp(d.Signer)}, nil
}

// originOf is what the registry decides by. An organization's ping names no repository.
func originOf(c delivery.Origin) registry.Origin {
	return registry.Origin{Name: cmp.Or(c.Repository, c.Owner), ID: c.ID}
}

// signers decides whose secrets open what.
func (s *Server) signers() signers.Signers {
	return signers.Signers{Entries: s.builds.Entries, Rules: registry.Rules{
		Key: []byte(s.config.Key), Shared: string(s.config.WebhookSecret), For: s.config.Repositories,
		App: string(s.config.AppSecret),
	}}
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
