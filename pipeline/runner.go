package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"

	"vivarium/images"
	"vivarium/pipeline/environment"
	"vivarium/pipeline/fixed"
	"vivarium/pipeline/wanted"
	"vivarium/sandbox"
	"vivarium/sandbox/egress"
)

// ErrCanceled is the cause with which to cancel a Run's context when somebody wants the build to
// end: Run then returns an Outcome in state Canceled. Any other cause abandons the attempt: Run
// returns it.
var ErrCanceled = errors.New("canceled")

// Source is where the code comes from: Git or Tree.
type Source interface{ source() }

// Git is one commit of a repository on a git host.
type Git struct {
	URL    *url.URL    // of the repository, without credentials
	Repo   string      // OWNER/NAME, for Tokens
	SHA    string      // 40 or 64 hexadecimal digits
	Tokens TokenSource // their tokens go to URL's origin only and never enter the sandbox; nil: there are none
}

// Token is the token to fetch the repository with; empty is none.
func (g Git) Token(ctx context.Context) (string, error) {
	if g.Tokens == nil {
		return "", nil
	}
	token, err := g.Tokens.Token(ctx, g.Repo, PurposeClone)
	if err != nil {
		return "", fmt.Errorf("get a token to read %s with: %w", g.Repo, err)
	}
	return token, nil
}

// Tree is a working tree, sent as a tar.
type Tree struct {
	Open func(ctx context.Context) (io.ReadCloser, error)
	// History gives a tar of a .git: HEAD, tags, and the objects of both as the one file packFile. It
	// is nil where the tree has none.
	History func(ctx context.Context) (io.ReadCloser, error)
}

func (Git) source()  {}
func (Tree) source() {}

// Request is one build to run.
type Request struct {
	Source   Source
	Image    string   // runner image by name: the guess; empty is images.Default
	Settings Settings // the time counts from when the image is there
	// Fixed is what the operator fixes of this repository's builds, and Overlay where the files of its
	// overlay are fetched from; what that cannot be fetched with is not the repository's fault.
	Fixed   fixed.Part
	Overlay Git
	// Title is the first lines of the log, which tell people what is built.
	Title string
	// Skip decides whether the repository's own wish leaves the build out; nil: it never does.
	Skip *wanted.Asker
	// Variables tell each command of the build, NAME=value; its own come before them.
	Variables []string
	// Green is the last green build, with which a failure is compared; nil: there is none.
	Green *environment.Green
}

// Runner runs builds.
type Runner struct {
	Engine   *sandbox.Engine
	Images   *images.Manager
	Index    *egress.Index
	Instance string
}

// Run runs one attempt and tells rec of it. An error means that the attempt was abandoned:
// the context ended for a reason other than ErrCanceled, or rec failed.
func (r *Runner) Run(ctx context.Context, q Request, rec Recorder) (Outcome, error) {
	a := newAttempt(r, q, rec)
	defer a.leaveSandbox()
	for _, name := range StepNames {
		if err := a.runInOrder(ctx, name); err != nil {
			return Outcome{}, err
		}
	}
	return a.outcome(), nil
}
