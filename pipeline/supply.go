package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"vivarium/pipeline/python"
	"vivarium/sandbox"
	"vivarium/sandbox/egress"
	"vivarium/sandbox/egress/repositories"
)

// supply is where a step gets packages from: the package index and what else the plan names of the
// hosts that the operator lists. It is open from openSupply to close.
type supply struct {
	sources  python.Sources
	sessions []*egress.Session // of indexes and pages of links, the configured index first
	git      *repositories.Proxy
	services []*sandbox.Service
	env      []string // has pip and git ask these services
}

// withIndex runs what a step does, and has the package index open meanwhile where the repository asks
// for that. env has pip ask there. Repositories on git hosts stay shut.
func (a *attempt) withIndex(ctx context.Context, do func(env []string) (note string, err error)) (string, error) {
	if !a.plan.IndexOpen {
		return do(nil)
	}
	open, err := a.openSupply(ctx, python.Sources{Indexes: a.plan.Sources.Indexes})
	if err != nil {
		return "", err
	}
	note, err := do(open.env)
	closed := open.close()
	for _, session := range open.sessions {
		if t := session.Trouble(); t != nil && err != nil {
			a.notes.Add(t.Message) // which may be why; only who reads the log can tell
		}
	}
	return note, errors.Join(err, closed, a.sayNotes(ctx))
}

// openSupply offers the services in the sandbox.
func (a *attempt) openSupply(ctx context.Context, sources python.Sources) (s *supply, err error) {
	s = &supply{sources: sources}
	if err := errors.Join(a.offerIndexes(ctx, s), a.offerRepositories(ctx, s)); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// offerIndexes offers each index as a service of its own: a link works only where it was named.
func (a *attempt) offerIndexes(ctx context.Context, s *supply) error {
	main, err := a.offerIndex(ctx, s, a.runner.Index, egress.IndexPath)
	if err != nil {
		return err
	}
	var extra, links []string
	for _, source := range s.sources.Indexes {
		index, path, to := a.runner.Index.Further(source.URL), egress.IndexPath, &extra
		if source.Option == "--find-links" {
			index, path, to = a.runner.Index.Links(source.URL), egress.LinksPath, &links
		}
		address, err := a.offerIndex(ctx, s, index, path)
		if err != nil {
			return err
		}
		if source.Option == "--index-url" {
			main = address
		} else {
			*to = append(*to, address)
		}
	}
	s.env = append(s.env, "PIP_INDEX_URL="+main)
	for name, all := range map[string][]string{"PIP_EXTRA_INDEX_URL": extra, "PIP_FIND_LINKS": links} {
		if len(all) > 0 {
			s.env = append(s.env, name+"="+strings.Join(all, " "))
		}
	}
	return nil
}

func (a *attempt) offerIndex(ctx context.Context, s *supply, index *egress.Index, path string) (string, error) {
	session := index.Session(a.notes.Add, a.limits.Disk)
	s.sessions = append(s.sessions, session)
	service, err := a.sandbox.Offer(ctx, "index", session)
	if err != nil {
		return "", err
	}
	s.services = append(s.services, service)
	return service.URL + path, nil
}

// offerRepositories offers the repositories that the plan names, and has git ask there for them.
func (a *attempt) offerRepositories(ctx context.Context, s *supply) error {
	if len(s.sources.Git) == 0 {
		return nil
	}
	c := repositories.Config{Listed: a.req.Settings.GitHosts.Has, MaxBytes: a.limits.Disk}
	for _, source := range s.sources.Git {
		c.URLs = append(c.URLs, source.URL)
	}
	s.git = repositories.New(c)
	service, err := a.sandbox.Offer(ctx, "git", s.git)
	if err != nil {
		return err
	}
	s.services = append(s.services, service)
	s.env = append(s.env, "GIT_TERMINAL_PROMPT=0", fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(c.URLs)))
	for i, source := range s.sources.Git {
		s.env = append(s.env,
			fmt.Sprintf("GIT_CONFIG_KEY_%d=url.%s%s.insteadOf", i, service.URL, s.git.Path(i)),
			fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, source.Address))
	}
	return nil
}

// close withdraws the services. It may be called on a supply that is half open, and twice.
func (s *supply) close() error {
	var errs []error
	for _, service := range s.services {
		errs = append(errs, service.Close())
	}
	for _, session := range s.sessions {
		session.Close()
	}
	return errors.Join(errs...)
}

// blame returns what hosts outside did in place of err, where that is why pip failed. getting says
// that pip gave up over getting packages.
func (s *supply) blame(err error, getting bool) error {
	for i, source := range s.sources.Git {
		if f := s.git.Failure(i); f != nil {
			return blameRepository(err, f, source.Where)
		}
	}
	for _, session := range s.sessions {
		if blamed := blameIndex(err, session.Trouble(), getting); blamed != err {
			return blamed
		}
	}
	return err
}
