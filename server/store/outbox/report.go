package outbox

import (
	"context"
	"fmt"

	"vivarium/pipeline"
)

// Reporter tells a git host what became of builds, by a method for each kind of report. Errors are
// *pipeline.RefusedError, *pipeline.RetryError, or others, which are retried.
type Reporter interface {
	Post(ctx context.Context, st pipeline.CommitStatus) error
}

// kind is what a build is reported as.
type kind string

// kindStatus is a commit status. Its payload is the description.
const kindStatus kind = "status"

// contexts keep reports of one commit apart, by what was built of it. A push's builds have the
// server's own context, which is the empty one here.
var contexts = map[pipeline.RefKind]string{pipeline.RefPullRequest: "pull request"}

// under is the name that the git host shows for one of a server's contexts.
func under(server, context string) string {
	if context == "" {
		return server
	}
	return server + " (" + context + ")"
}

// report tells the git host of r.
func (s *Sender) report(ctx context.Context, t *targetRow, r *statusRow) error {
	if r.Kind != kindStatus {
		return fmt.Errorf("a report of the kind %q: this Vivarium knows none", r.Kind)
	}
	return s.Reporter.Post(ctx, pipeline.CommitStatus{
		Repo:        t.Repo,
		SHA:         t.SHA,
		Context:     r.Context,
		State:       r.State,
		Description: r.Payload,
		TargetURL:   s.TargetURL(r.BuildID),
	})
}
