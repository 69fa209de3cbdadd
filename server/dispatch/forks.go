package dispatch

import (
	"context"
	"errors"

	"vivarium/pipeline"
)

// Forks is how a stranger's code is built, out of a fork's pull request. It gets nothing that the
// operator keeps for the base's own: neither its package index nor its hosts, files and variables.
type Forks struct {
	// Run is Run of a pipeline.Runner with the index that anybody may read.
	Run      func(context.Context, pipeline.Request, pipeline.Recorder) (pipeline.Outcome, error)
	Settings pipeline.Settings // ForForks
}

// ForForks are the settings for a stranger's code: a part of the limits, and no hosts but the git
// host's own, where a repository is fetched without credentials.
func ForForks(s pipeline.Settings, part float64, gitHost string) pipeline.Settings {
	s.Limits = s.Limits.Part(part)
	s.GitHosts, s.IndexHosts = []string{gitHost}, nil
	return s
}

var errOverlay = errors.New("not built: the operator's own files decide this repository's builds, and the code of a " +
	"fork gets none of them")

// restrict takes out of a request what a stranger's code does not get. Where the operator's own files
// would decide, nothing is left to decide by.
func restrict(q *pipeline.Request) error {
	if q.Fixed.Overlay.Repository != "" {
		return errOverlay
	}
	if _, given := q.Fixed.Settings["env"]; given {
		q.Fixed.Settings["env"] = map[string]any{} // it stays fixed, to nothing
	}
	q.Title += "\nThe code of a fork: it has lower limits, and gets neither the operator's variables nor other hosts " +
		"and indexes than the public ones"
	return nil
}
