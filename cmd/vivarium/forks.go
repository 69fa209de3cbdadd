package main

import (
	"fmt"
	"path/filepath"

	"vivarium/pipeline/hosts"
	"vivarium/sandbox/egress"
	"vivarium/server/dispatch"
)

// openForkIndex opens the index for the code of forks. It has a cache of its own, so that a stranger's
// build neither finds nor evicts what the base's builds have fetched. Private networks are open to it
// only where the operator says that it is the base's index.
func openForkIndex(c config) (*egress.Index, error) {
	of := egress.IndexConfig{Upstream: c.forkIndexURL, CacheDir: filepath.Join(c.dataDir, "index-of-forks")}
	if c.forkIndexURL.String() == c.indexURL.String() {
		of.Allow = c.indexAllow
	}
	index, err := egress.NewIndex(of)
	if err != nil {
		return nil, fmt.Errorf("cannot use the package index for forks %s: %w", c.forkIndexURL, err)
	}
	return index, nil
}

// forks is how the code of forks is built.
func (s *daemon) forks() dispatch.Forks {
	runner := s.runner(s.instance)
	runner.Index = s.forkIndex
	return dispatch.Forks{
		Run:      runner.Run,
		Settings: dispatch.ForForks(s.settings, s.config.forkShare, hosts.Origin(s.config.serverURL)),
	}
}
