package server

import (
	"context"
	"net/http"
	"strings"
	"time"

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

// followRenaming settles what the signature alone does not show: that a repository found by its ID
// has the claimed name now. Otherwise whoever holds one repository's secret could put any other
// repository's name beside its own ID.
func (s *Server) followRenaming(ctx context.Context, e registry.Entry, origin registry.Origin) error {
	if s.config.NameOf == nil {
		return s.refuse(ctx, origin.Name)
	}
	if !s.confirms.Allow(e.ID) {
		return &Problem{Message: "GitHub was asked too often whether this repository was renamed; deliver again " +
			"later", status: http.StatusServiceUnavailable}
	}
	asking, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	name, err := s.config.NameOf(github.About(asking, origin.Name), origin.ID)
	if err != nil {
		return &Problem{Message: "GitHub did not say whether this repository was renamed; deliver again later",
			status: http.StatusServiceUnavailable}
	}
	if !strings.EqualFold(name, origin.Name) {
		return s.refuse(ctx, origin.Name)
	}
	return s.builds.Entries.Rename(ctx, e.ID, origin.Name)
}
