// Package weigh decides whether a push that was delivered is built, by what the operator says of its
// repository.
package weigh

import (
	"context"
	"log/slog"

	"vivarium/pipeline"
	"vivarium/pipeline/fixed"
	"vivarium/pipeline/wanted"
	"vivarium/server/github/delivery"
	"vivarium/server/registry"
)

// Scale weighs pushes.
type Scale struct {
	// FixedFor is what the operator fixed of a repository's builds, as it was written.
	FixedFor func(context.Context, registry.Origin) (string, error)
	Tags     bool // tags are built where the operator fixed nothing else
	Log      *slog.Logger
}

// Of decides on a push of which only itself is known, and not which files it changes.
func (s Scale) Of(ctx context.Context, p delivery.Push) (wanted.Decision, error) {
	return s.Push(ctx, delivery.Verified{Push: &p})
}

// Push decides on a delivery's push.
func (s Scale) Push(ctx context.Context, d delivery.Verified) (wanted.Decision, error) {
	text, err := s.FixedFor(ctx, registry.Origin{Name: d.Push.Repo.FullName, ID: d.Push.Repo.ID})
	if err != nil {
		return wanted.Decision{}, err
	}
	rules := wanted.Rules{Tags: s.Tags}
	part, err := fixed.Parse(text)
	if err == nil {
		rules.Filter, err = wanted.FilterOf(part.Settings)
	}
	if err != nil { // another version took it: nothing is left out
		s.Log.WarnContext(ctx, "what the operator fixed cannot be read", "repo", d.Push.Repo.FullName, "err", err)
		rules.Filter = wanted.Filter{}
	}
	if part.Tags != nil {
		rules.Tags = *part.Tags
	}
	p := wanted.Push{Marker: d.Push.Marker, Before: d.Push.Before}
	switch d.Push.Ref.Kind() {
	case pipeline.RefBranch:
		p.Branch = d.Push.Ref.Short()
	case pipeline.RefTag:
		p.Tag = d.Push.Ref.Short()
	}
	if len(rules.Paths) > 0 {
		p.Changed = d.Changed()
	}
	return rules.Decide(p), nil
}
