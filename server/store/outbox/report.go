package outbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"vivarium/pipeline"
	"vivarium/server/checkrun"
)

// Reporter tells a git host what became of commits. Errors are *pipeline.RefusedError,
// *pipeline.RetryError, or others, which are retried.
type Reporter interface {
	Post(ctx context.Context, st pipeline.CommitStatus) error
}

// Checker tells a git host what becomes of builds by a check run for each. It gives the host's number
// of the run, also beside an error where that is known. Its errors are a Reporter's.
type Checker interface {
	PostCheck(ctx context.Context, r checkrun.Run) (id int64, err error)
}

// kind is what a build is reported as.
type kind string

const (
	kindStatus kind = "status" // a commit status; its payload is the description
	kindCheck  kind = "check"  // a check run; its payload is the sentence, for people here
)

// contextOf keeps reports of one commit apart, by what was built of it. The commit itself has the
// server's own context, which is the empty one here: pushed, or as the head of a pull request. What a
// pull request comes to when it is merged is another thing.
func contextOf(ref pipeline.Ref) string {
	if ref.Kind() == pipeline.RefPullRequest && !strings.HasSuffix(string(ref), "/head") {
		return "pull request"
	}
	return ""
}

// ofBuild stands between a context and the number of a build. A check run is of one build, and so a
// target of its own.
const ofBuild = "#"

// checkContext is the context of a build's check run.
func checkContext(context string, build int64) string {
	return context + ofBuild + strconv.FormatInt(build, 10)
}

// under is the name that the git host shows for one of a server's contexts.
func under(server, context string) string {
	context, _, _ = strings.Cut(context, ofBuild)
	if context == "" {
		return server
	}
	return server + " (" + context + ")"
}

var errNoChecks = errors.New("no GitHub App is set, by which alone a check run can be reported")

// report tells the git host of r.
func (s *Sender) report(ctx context.Context, t *targetRow, r *statusRow) error {
	switch r.Kind {
	case kindStatus:
		return s.Reporter.Post(ctx, pipeline.CommitStatus{
			Repo:        t.Repo,
			SHA:         t.SHA,
			Context:     r.Context,
			State:       r.State,
			Description: r.Payload,
			TargetURL:   s.TargetURL(r.BuildID),
		})
	case kindCheck:
		return s.check(ctx, t, r)
	}
	return fmt.Errorf("a report of the kind %q: this Vivarium knows none", r.Kind)
}

// check makes or changes the check run of r's build.
func (s *Sender) check(ctx context.Context, t *targetRow, r *statusRow) error {
	if s.Checker == nil {
		return errNoChecks
	}
	run, err := s.CheckOf(ctx, r.BuildID)
	if err != nil {
		return fmt.Errorf("read what to report of build %d: %w", r.BuildID, err)
	}
	run.ID, run.Name, run.Retried = t.CheckID, r.Context, t.LateUntil > 0 || r.Attempts > 0
	if r.Plain {
		run = run.Plain()
	}
	run = run.At(s.TargetURL(r.BuildID))
	id, err := s.Checker.PostCheck(ctx, run)
	// Each page of annotations is a request of its own.
	pages := (len(run.Annotations) + checkrun.AnnotationsARequest - 1) / checkrun.AnnotationsARequest
	s.charge(context.WithoutCancel(ctx), s.Account(t.Repo), pages)
	if id != 0 {
		t.CheckID = id
	}
	return err
}
