// Package supply is where a step of a build gets packages from: the package index, and what else
// the plan names of the hosts that the operator lists.
package supply

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"vivarium/pipeline/hosts"
	"vivarium/pipeline/python"
	"vivarium/sandbox"
	"vivarium/sandbox/egress"
	"vivarium/sandbox/egress/repositories"
)

// Config says what is supplied.
type Config struct {
	Index    *egress.Index // the configured one
	Sources  python.Sources
	GitHosts hosts.List        // that the operator lists
	Disk     int64             // bytes of the build's disk, which bound what is sent
	Note     func(line string) // gets lines for the build's log, from any goroutine
}

// Supply is open from Open to Close.
type Supply struct {
	Env []string // has pip and git ask here

	config   Config
	sandbox  *sandbox.Sandbox
	sessions []*egress.Session // of indexes and pages of links, the configured index first
	git      *repositories.Proxy
	services []*sandbox.Service
}

// Open offers the services in a sandbox.
func Open(ctx context.Context, box *sandbox.Sandbox, c Config) (*Supply, error) {
	s := &Supply{config: c, sandbox: box}
	if err := errors.Join(s.offerIndexes(ctx), s.offerRepositories(ctx)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// offerIndexes offers each index as a service of its own: a link works only where it was named.
func (s *Supply) offerIndexes(ctx context.Context) error {
	main, err := s.offerIndex(ctx, s.config.Index, egress.IndexPath)
	if err != nil {
		return err
	}
	var extra, links []string
	for _, source := range s.config.Sources.Indexes {
		index, path, to := s.config.Index.Further(source.URL), egress.IndexPath, &extra
		if source.Option == "--find-links" {
			index, path, to = s.config.Index.Links(source.URL), egress.LinksPath, &links
		}
		address, err := s.offerIndex(ctx, index, path)
		if err != nil {
			return err
		}
		if source.Option == "--index-url" {
			main = address
		} else {
			*to = append(*to, address)
		}
	}
	s.Env = append(s.Env, "PIP_INDEX_URL="+main)
	for name, all := range map[string][]string{"PIP_EXTRA_INDEX_URL": extra, "PIP_FIND_LINKS": links} {
		if len(all) > 0 {
			s.Env = append(s.Env, name+"="+strings.Join(all, " "))
		}
	}
	return nil
}

func (s *Supply) offerIndex(ctx context.Context, index *egress.Index, path string) (address string, err error) {
	session := index.Session(s.config.Note, s.config.Disk)
	s.sessions = append(s.sessions, session)
	base, err := s.offer(ctx, "index", session)
	return base + path, err
}

// offerRepositories offers the repositories that the plan names, and has git ask there for them.
func (s *Supply) offerRepositories(ctx context.Context) error {
	sources := s.config.Sources.Git
	if len(sources) == 0 {
		return nil
	}
	c := repositories.Config{Listed: s.config.GitHosts.Has, MaxBytes: s.config.Disk}
	for _, source := range sources {
		c.URLs = append(c.URLs, source.URL)
	}
	s.git = repositories.New(c)
	base, err := s.offer(ctx, "git", s.git)
	if err != nil {
		return err
	}
	s.Env = append(s.Env, "GIT_TERMINAL_PROMPT=0", fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(sources)))
	for i, source := range sources {
		s.Env = append(s.Env,
			fmt.Sprintf("GIT_CONFIG_KEY_%d=url.%s%s.insteadOf", i, base, s.git.Path(i)),
			fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, source.Address))
	}
	return nil
}

func (s *Supply) offer(ctx context.Context, name string, h http.Handler) (base string, err error) {
	service, err := s.sandbox.Offer(ctx, name, h)
	if err != nil {
		return "", err
	}
	s.services = append(s.services, service)
	return service.URL, nil
}

// Offered reports whether one of the indexes named a file of a project.
func (s *Supply) Offered(project string) bool {
	return slices.ContainsFunc(s.sessions, func(i *egress.Session) bool { return i.Offered(project) })
}

// Absent reports whether an index answered that it has no such project, and no other named a file of
// it.
func (s *Supply) Absent(project string) bool {
	absent := slices.ContainsFunc(s.sessions, func(i *egress.Session) bool { return i.Absent(project) })
	return absent && !s.Offered(project)
}

// Close withdraws the services. It may be called on a supply that is half open, and twice.
func (s *Supply) Close() error {
	var errs []error
	for _, service := range s.services {
		errs = append(errs, service.Close())
	}
	for _, session := range s.sessions {
		session.Close()
	}
	return errors.Join(errs...)
}

// Failure is what kept the build from the first repository that it did not get, and the line that
// names that one; nil where there is none.
func (s *Supply) Failure() (f *egress.GitFailure, where string) {
	for i, source := range s.config.Sources.Git {
		if f := s.git.Failure(i); f != nil {
			return f, source.Where
		}
	}
	return nil, ""
}

// Trouble is what kept the build from what it asked the first of the indexes for that did not
// deliver; nil where there is none. It is complete once the supply is closed.
func (s *Supply) Trouble() *egress.Trouble {
	for _, session := range s.sessions {
		if t := session.Trouble(); t != nil {
			return t
		}
	}
	return nil
}
