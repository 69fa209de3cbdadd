// Package signers says whose secrets may have signed a delivery, and takes note of what GitHub tells
// of an App's installations.
package signers

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"vivarium/server/registry"
	"vivarium/server/store/entries"
)

// Signers decides by the registry.
type Signers struct {
	Entries *entries.Entries
	Rules   registry.Rules // without the entries that they meet
}

// Candidates are what may have signed a delivery.
type Candidates struct {
	Entry   registry.Entry // lets the repository in; zero where nothing does
	Renamed bool           // it was found by its ID
	Secrets []string       // to be tried, all of them

	letIn, app bool
}

// IsApp reports whether the secret with this place is a GitHub App's that counts.
func (c Candidates) IsApp(signer int) bool { return c.app && signer == registry.MostSecrets }

// NoteApp notes that the GitHub App sees a repository, where its secret has signed a delivery of that.
func (s Signers) NoteApp(ctx context.Context, c Candidates, signer int, name string) error {
	if !c.IsApp(signer) || !c.letIn || c.Entry.App || !strings.Contains(name, "/") {
		return nil
	}
	return entries.SetApp(ctx, s.Entries, c.Entry, name, true)
}

// Of gives what may have signed a delivery with this origin. There are always as many secrets, so that
// the time to try them tells nothing; secrets that nobody has fill them up.
func (s Signers) Of(ctx context.Context, origin registry.Origin) (Candidates, error) {
	found, err := s.Entries.For(ctx, origin)
	if err != nil {
		return Candidates{}, err
	}
	rules := s.Rules
	rules.Entries = found
	grant, err := rules.Find(origin, time.Now())
	if err != nil && !errors.Is(err, registry.ErrUnknown) {
		return Candidates{}, err
	}
	c := Candidates{Entry: grant.Entry, Renamed: grant.Renamed, letIn: err == nil, app: grant.App != ""}
	c.Secrets = append(c.Secrets, grant.Secrets...)
	for len(c.Secrets) < registry.MostSecrets {
		c.Secrets = append(c.Secrets, rand.Text())
	}
	if rules.App != "" {
		c.Secrets = append(c.Secrets, cmp.Or(grant.App, rand.Text()))
	}
	return c, nil
}
