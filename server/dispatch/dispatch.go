// Package dispatch takes a queued build to a run of the pipeline: it says what is to be fetched,
// with which image to begin, and within which limits.
package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/fixed"
	"vivarium/pipeline/outward"
	"vivarium/sandbox/quantity"
	"vivarium/server/github"
	"vivarium/server/registry"
	"vivarium/server/store"
	"vivarium/server/store/builds"
)

// history is how many of a repository's builds are searched for the image that the next one
// probably needs.
const history = 100

// Dispatcher turns builds of the store into runs of the pipeline. Its Build serves store.Work.
type Dispatcher struct {
	// Run is Run of a pipeline.Runner.
	Run    func(context.Context, pipeline.Request, pipeline.Recorder) (pipeline.Outcome, error)
	Builds *store.Store

	ServerURL *url.URL // GITHUB_SERVER_URL
	// Tokens gives the tokens to fetch with; they go only to ServerURL's origin. nil: there are none.
	Tokens pipeline.TokenSource

	Settings pipeline.Settings

	// Compare asks the git host which files of a commit differ from one that it follows; nil where it
	// does not say, and where Compare itself is nil.
	Compare func(ctx context.Context, repo, before, sha string) ([]string, error)
	// Variables tell a build's commands of it; nil: they are told nothing.
	Variables func(pipeline.Build) []string
	Forks     Forks

	// Secrets must be in no note, finding or summary. They are asked for each attempt, since they
	// may change. nil: there are none.
	Secrets func() []string
	Log     *slog.Logger // gets the details of an error that no page shows; may be nil
}

// Build runs one attempt. An error abandons the attempt, as pipeline.Runner.Run says.
func (d *Dispatcher) Build(ctx context.Context, b pipeline.Build, rec pipeline.Recorder) (pipeline.Outcome, error) {
	earlier, err := d.Builds.Builds.List(ctx,
		builds.Query{Sight: builds.Sight{All: true}, Repo: b.Repo.FullName, Before: b.ID, Limit: history})
	if err != nil {
		return pipeline.Outcome{}, fmt.Errorf("find earlier builds of %s: %w", b.Repo.FullName, err)
	}
	waited, err := d.waited(ctx, b)
	if err != nil {
		return pipeline.Outcome{}, err
	}
	text, err := d.Builds.Entries.FixedFor(ctx, registry.Origin{Name: b.Repo.FullName, ID: b.Repo.ID})
	if err != nil {
		return pipeline.Outcome{}, fmt.Errorf("find what is fixed of %s: %w", b.Repo.FullName, err)
	}
	q, err := d.request(b, earlier)
	q.Title += waited
	if err == nil {
		err = d.fix(&q, b, text)
	}
	if err != nil {
		// The next attempt would fail in the same way.
		return pipeline.Outcome{State: pipeline.Errored, Cause: pipeline.CauseInternal, Summary: err.Error()}, nil
	}
	if q.Skip, err = d.skip(ctx, b); err != nil {
		return pipeline.Outcome{}, err
	}
	if q.Green, err = d.Builds.Environments.Green(ctx, b); err != nil {
		return pipeline.Outcome{}, err
	}
	var secrets []string
	if d.Secrets != nil {
		secrets = d.Secrets()
	}
	words := outward.New(secrets, d.Log)
	run := d.Run
	if b.Fork {
		run = d.Forks.Run
	}
	o, err := run(ctx, q, outward.Recorder{Recorder: rec, Words: words})
	return words.Outcome(ctx, b, o), words.Error(err)
}

// request says what the pipeline must do for b, given earlier builds of its repository, newest
// first.
func (d *Dispatcher) request(b pipeline.Build, earlier []pipeline.Build) (pipeline.Request, error) {
	clone, err := github.CloneURL(d.ServerURL, b.Repo.FullName)
	if err != nil {
		return pipeline.Request{}, err
	}
	settings := d.Settings
	if b.Fork {
		settings = d.Forks.Settings
	}
	q := pipeline.Request{
		Source:   pipeline.Git{URL: clone, Repo: b.Repo.FullName, SHA: b.SHA, Tokens: d.Tokens},
		Image:    guessImage(b, earlier),
		Settings: settings,
		Title:    title(b),
	}
	if d.Variables != nil {
		q.Variables = d.Variables(b)
	}
	return q, nil
}

// fix has a build done with what the operator fixed of its repository, which text says.
func (d *Dispatcher) fix(q *pipeline.Request, b pipeline.Build, text string) (err error) {
	if q.Fixed, err = fixed.Parse(text); err != nil {
		return fmt.Errorf("what the operator fixed for this repository cannot be read: %w", err)
	}
	if b.Fork {
		return restrict(q)
	}
	from := q.Fixed.Overlay
	if from.Repository == "" {
		return nil
	}
	clone, err := github.CloneURL(d.ServerURL, from.Repository)
	if err != nil {
		return fmt.Errorf("the operator's own files for %s: %w", b.Repo.FullName, err)
	}
	q.Overlay = pipeline.Git{URL: clone, Repo: from.Repository, SHA: from.Commit, Tokens: d.Tokens}
	return nil
}

// guessImage is the last image of the newest build on this ref, else of the newest on the default
// branch. It is empty, for the default image, when neither is known. The plan checks the guess.
func guessImage(b pipeline.Build, earlier []pipeline.Build) string {
	for _, ref := range []pipeline.Ref{b.Ref, b.Repo.DefaultRef()} {
		for _, e := range earlier {
			if e.Ref == ref && e.Image != "" && (b.Fork || !e.Fork) {
				return e.Image
			}
		}
	}
	return ""
}

// mostStarted bounds the count for one line of the log.
const mostStarted = 1000

// waited is a line on how long a build waited, if it did.
func (d *Dispatcher) waited(ctx context.Context, b pipeline.Build) (string, error) {
	if b.Attempt != 1 || b.StartedAt.Sub(b.QueuedAt) < time.Second {
		return "", nil
	}
	others, err := d.Builds.Builds.StartedBetween(ctx, b.QueuedAt, b.StartedAt, mostStarted)
	if err != nil {
		return "", err
	}
	return "\n" + waitedLine(b.StartedAt.Sub(b.QueuedAt), others), nil
}

// waitedLine says how long a build waited and how many others were started meanwhile. Both are
// facts, not guesses.
func waitedLine(waited time.Duration, others int) string {
	line := fmt.Sprintf("It waited %s in the queue", quantity.Duration(waited))
	switch {
	case others == 1:
		line += ", while 1 other build was started"
	case others >= mostStarted:
		line += fmt.Sprintf(", while %d other builds or more were started", mostStarted)
	case others > 1:
		line += fmt.Sprintf(", while %d other builds were started", others)
	}
	return line
}

func title(b pipeline.Build) string {
	line := fmt.Sprintf("Build %d: %s %s at %s", b.ID, b.Repo.FullName, b.Ref, b.SHA)
	if b.Pull != 0 && b.Ref.Kind() != pipeline.RefPullRequest {
		line += fmt.Sprintf(", the head of #%d", b.Pull)
	}
	if b.Attempt > 1 {
		line += fmt.Sprintf(" (attempt %d)", b.Attempt)
	}
	return line
}
