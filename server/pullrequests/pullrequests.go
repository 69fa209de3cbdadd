// Package pullrequests takes what deliveries say of pull requests: that the head is another, that one
// was closed, and that somebody asks for a fork's commit to be built.
package pullrequests

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"vivarium/pipeline"
	"vivarium/server/forks"
	"vivarium/server/github/delivery"
	"vivarium/server/registry"
	"vivarium/server/store/database"
	"vivarium/server/store/people"
	"vivarium/server/store/pulls"
	"vivarium/server/store/queue"
)

// GitHub answers what a payload's word is not enough for.
type GitHub interface {
	// MayWrite reports whether an account, by its name and its id, may write to a repository now.
	MayWrite(ctx context.Context, repo, login string, id int64) (bool, error)
	// Head is the commit that is a pull request's head now, and whether that is open.
	Head(ctx context.Context, repo string, number int64) (sha string, open bool, err error)
}

// Desk takes deliveries. Its fields do not change.
type Desk struct {
	Pulls  *pulls.Pulls
	Policy forks.Policy
	GitHub GitHub // nil: nobody can approve by a comment
	Log    *slog.Logger
	// Build finds a build that who asks may see, by the id in an address.
	Build func(ctx context.Context, id string) (pipeline.Build, error)
	// Operator is who sends the operator's token with a request; else it is an ErrNoOperator.
	Operator func(context.Context) (people.Actor, error)
}

// Head takes a delivery that says of a pull request what its head is, or that it was closed. ignored
// says why it makes no build, and a is what became of it otherwise.
func (d Desk) Head(ctx context.Context, in delivery.Verified, via registry.Entry) (
	a queue.Accepted, ignored string, err error,
) {
	p := *in.Pull
	if p.Closed {
		ignored, err = d.close(ctx, p)
		return a, ignored, err
	}
	answer := forks.Go
	if p.Fork {
		answer = d.Policy.Decide(forks.Change{Association: p.Association, Author: p.AuthorID, Sender: p.Sender})
	}
	if answer == forks.Refuse {
		return a, "pull requests of forks are not built here (VIVARIUM_FORKS=none)", nil
	}
	a, err = d.Pulls.Accept(ctx, pulls.Pull{
		GUID: in.GUID, BodyHash: in.BodyHash, Via: via, Repo: p.Repo, Number: p.Number, SHA: p.SHA, At: p.At,
		Author: p.Author, Title: p.Title, Fork: p.Fork, Approved: answer == forks.Go,
	})
	return a, "", err
}

// close ends what waits of a pull request for an approval.
func (d Desk) close(ctx context.Context, p delivery.Pull) (string, error) {
	n, err := d.Pulls.Close(ctx, p.Repo.FullName, p.Number)
	if err != nil {
		return "", err
	}
	if n > 0 {
		return fmt.Sprintf("#%d was closed: what waited of it for an approval has ended", p.Number), nil
	}
	return fmt.Sprintf("#%d was closed, and nothing of it waited for an approval", p.Number), nil
}

// askTime bounds the questions to GitHub that an answer waits for.
const askTime = 5 * time.Second

// ErrNotAsked says that GitHub did not answer what an approval needs to be known.
var ErrNotAsked = errors.New("GitHub did not say who may approve which commit; comment or deliver again later")

// Comment takes a comment, and says what became of it. GitHub is asked only where something waits.
func (d Desk) Comment(ctx context.Context, c delivery.Comment) (string, error) {
	if !forks.IsRun(c.Text) {
		return "the comment asks for nothing", nil
	}
	if d.Policy == forks.None {
		return "pull requests of forks are not built here (VIVARIUM_FORKS=none)", nil
	}
	waits, err := d.Pulls.Waiting(ctx, c.Repo.FullName, c.Pull)
	if errors.Is(err, database.ErrNotFound) {
		return fmt.Sprintf("nothing of #%d waits for an approval", c.Pull), nil
	}
	if err != nil {
		return "", err
	}
	if d.GitHub == nil {
		return "nobody can approve by a comment here: this server has no GITHUB_TOKEN to ask who may", nil
	}
	known, err := d.ask(ctx, c)
	if err != nil {
		d.Log.WarnContext(ctx, "cannot ask who may approve", "repo", c.Repo.FullName, "err", err)
		return "", ErrNotAsked
	}
	known.Waits, known.Since, known.Asked = waits.SHA, waits.QueuedAt, c.At
	if why := known.Refusal(); why != "" {
		return "not approved: " + why, nil
	}
	by := people.Actor{Who: c.Author + " (GitHub), by a comment"}
	err = d.Pulls.Approve(ctx, by, waits.ID, waits.SHA)
	var over *queue.QuotaError
	switch {
	case errors.As(err, &over):
		return "not approved: " + over.Why, nil
	case errors.Is(err, pulls.ErrNoApproval): // somebody was faster
		return fmt.Sprintf("nothing of #%d waits for an approval any more", c.Pull), nil
	case err != nil:
		return "", err
	}
	return fmt.Sprintf("build %d is queued: %s approved commit %s", waits.ID, c.Author, waits.SHA), nil
}

// ask asks GitHub what an approval needs to be known. No payload's word is taken: who wrote a comment
// may have lost the right, and the head may be another, since it was sent.
func (d Desk) ask(ctx context.Context, c delivery.Comment) (known forks.Approval, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if known.MayWrite, err = d.GitHub.MayWrite(ctx, c.Repo.FullName, c.Author, c.AuthorID); err != nil {
		return forks.Approval{}, err
	}
	if !known.MayWrite {
		return known, nil
	}
	known.Head, known.Open, err = d.GitHub.Head(ctx, c.Repo.FullName, c.Pull)
	return known, err
}
