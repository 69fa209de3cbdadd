// Package poll asks GitHub again and again where branches are, and has built what no delivery told
// of: all that there is to build where GitHub cannot reach the server.
package poll

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/wanted"
	"vivarium/server/github"
	"vivarium/server/github/delivery"
	"vivarium/server/heads"
	"vivarium/server/loop"
	"vivarium/server/registry"
	"vivarium/server/store/entries"
	"vivarium/server/store/polls"
	"vivarium/server/store/watched"
)

// Host is GitHub, as far as it is asked.
type Host interface {
	// Look asks where the branches of a repository are; last is the look before, or nil.
	Look(ctx context.Context, repo string, last *github.Look) (*github.Look, error)
	// Commit asks for the author of a commit, and what its message says.
	Commit(ctx context.Context, repo, sha string) (github.Commit, error)
}

// Store keeps what was seen, and builds what has moved.
type Store interface {
	// Heads gives where a repository's branches were; first: nobody has looked so far.
	Heads(ctx context.Context, repo string) (known map[pipeline.Ref]string, first bool, err error)
	Begin(ctx context.Context, repo string, noted []heads.Head) error
	Forget(ctx context.Context, repo string, gone []pipeline.Ref) error
	// Accept builds where a branch has moved to, unless that was told.
	Accept(ctx context.Context, found polls.Poll) (build int64, err error)
	// Looked notes what was learnt of a repository: that it is private.
	Looked(ctx context.Context, via registry.Entry, r pipeline.Repository) error
	Rename(ctx context.Context, entry int64, name string) error
}

// Poller looks at repositories, one after the other.
type Poller struct {
	Every        time.Duration
	Host         Host
	Store        Store
	Repositories func(ctx context.Context) ([]registry.Named, error) // that are let in
	// Decide decides whether a push is built, by what the operator and its commit say.
	Decide func(ctx context.Context, p delivery.Push) (wanted.Decision, error)
	Log    *slog.Logger

	seen map[string]*seen // by name in lower case
}

// seen is what the last look at a repository showed.
type seen struct {
	look    *github.Look // nil: what it showed is not dealt with
	fresh   []heads.Move // seen once; a delivery may be on its way
	trouble string       // why it failed; empty: it did not
}

// Run looks until ctx ends: at once, and whenever Every has passed.
func (p *Poller) Run(ctx context.Context) {
	p.Round(ctx)
	loop.Every(ctx, p.Every, func() { p.Round(ctx) })
}

// Round looks at each repository once. Where GitHub wants to be left alone, or does not take the
// token, the rest waits for the next round.
func (p *Poller) Round(ctx context.Context) {
	list, err := p.Repositories(ctx)
	if err != nil {
		p.warn(ctx, "branches are not looked at", "err", err)
		return
	}
	if p.seen == nil {
		p.seen = map[string]*seen{}
	}
	for _, r := range list {
		key := strings.ToLower(r.Name)
		if p.seen[key] == nil {
			p.seen[key] = &seen{}
		}
		err := p.one(ctx, r, p.seen[key])
		p.tell(ctx, r.Name, p.seen[key], err)
		if ctx.Err() != nil || github.IsLimited(err) || github.IsRefused(err, http.StatusUnauthorized) {
			return
		}
	}
}

// one looks at a repository and deals with what has changed.
func (p *Poller) one(ctx context.Context, r registry.Named, s *seen) error {
	look, err := p.Host.Look(ctx, r.Name, s.look)
	if err != nil {
		return err
	}
	switch {
	case !strings.EqualFold(look.Repo.FullName, r.Name):
		return p.renamed(ctx, r, look.Repo)
	case !look.Changed && len(s.fresh) == 0, look.Archived:
		s.look = look
		return nil
	}
	s.look = nil
	if err := p.Store.Looked(ctx, r.Entry, look.Repo); err != nil {
		return err
	}
	moved, err := p.compare(ctx, r.Name, look)
	if err != nil {
		return err
	}
	if !r.Entry.DeliveryAt.IsZero() {
		moved, s.fresh = heads.Settled(moved, s.fresh)
	}
	for _, m := range moved {
		if err := p.build(ctx, r, look.Repo, m); err != nil {
			return err
		}
	}
	s.look = look
	return nil
}

// errRenamed says that a repository has another name now that nobody vouches for.
var errRenamed = errors.New("GitHub has it under another name: let that in by `vivarium repos add`")

// renamed follows a repository that GitHub knows by another name now. Only the id that GitHub
// itself has told of the entry shows that it is the same one.
func (p *Poller) renamed(ctx context.Context, r registry.Named, now pipeline.Repository) error {
	if r.Entry.GitHubID == 0 || r.Entry.GitHubID != now.ID {
		return errRenamed
	}
	return p.Store.Rename(ctx, r.Entry.ID, now.FullName)
}

// compare finds what has moved since the last look.
func (p *Poller) compare(ctx context.Context, name string, look *github.Look) ([]heads.Move, error) {
	known, first, err := p.Store.Heads(ctx, name)
	if err != nil {
		return nil, err
	}
	if first {
		moved, noted := heads.First(look.Heads, look.Repo.DefaultRef())
		return moved, p.Store.Begin(ctx, name, noted)
	}
	moved, gone := heads.Compare(known, look.Heads)
	return moved, p.Store.Forget(ctx, name, gone)
}

// build builds where a branch has moved to. Who made the commit is nice to know, and no more. Which
// files it changes is not known, and so leaves nothing out.
func (p *Poller) build(ctx context.Context, r registry.Named, repo pipeline.Repository, m heads.Move) error {
	c, err := p.Host.Commit(ctx, r.Name, m.SHA)
	// What GitHub does not know has no message. Any other trouble passes: the message might ask for no
	// build.
	if err != nil && !github.IsRefused(err, http.StatusNotFound, http.StatusUnprocessableEntity) {
		return err
	}
	decision, err := p.Decide(ctx, delivery.Push{Repo: repo, Ref: m.Ref, SHA: m.SHA, Before: m.Before, Marker: c.Marker})
	if err != nil {
		return err
	}
	_, err = p.Store.Accept(ctx, polls.Poll{
		Via: r.Entry, Repo: repo, Move: m, Author: c.Author, Message: c.Message, Unwanted: decision.Why,
		Because: pipeline.Cause(decision.Cause),
	})
	return err
}

// tell says once why a repository cannot be looked at, and once that it can again.
func (p *Poller) tell(ctx context.Context, name string, s *seen, err error) {
	switch {
	case err == nil && s.trouble != "":
		p.Log.InfoContext(ctx, "the branches of a repository can be looked at again", "repo", name)
		s.trouble = ""
	case err != nil && err.Error() != s.trouble:
		p.warn(ctx, "the branches of a repository are not looked at", "repo", name, "err", err)
		s.trouble = err.Error()
	}
}

func (p *Poller) warn(ctx context.Context, message string, args ...any) {
	if ctx.Err() == nil {
		p.Log.WarnContext(ctx, message, args...)
	}
}

// Rooms make a Store of the rooms that keep what it keeps.
type Rooms struct {
	*watched.Watched
	*polls.Polls
	*entries.Entries
}
