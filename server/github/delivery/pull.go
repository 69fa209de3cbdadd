package delivery

import (
	"encoding/json"
	"fmt"
	"time"

	"vivarium/pipeline"
	"vivarium/server/github/names"
)

// Pull is what a pull_request event says, checked.
type Pull struct {
	Repo   pipeline.Repository // the base: the repository that would get the commits
	Number int64
	SHA    string    // its head
	At     time.Time // when it was last changed; zero when the event does not say so
	Title  string
	// Fork says that the head is not in the base. A fork that was deleted is one, too.
	Fork bool
	// Association is what GitHub says that the author is to the base. It is as old as the event.
	Association      string
	Author           string
	AuthorID, Sender int64 // ids of accounts; 0 where the event does not say. Sender caused the event.
	Closed           bool  // there is nothing to build any more
}

// pullEvent is what a build needs of a pull_request event, and nothing else.
type pullEvent struct {
	Action     text            `json:"action"`
	Number     int64           `json:"number"`
	Pull       *pullRequest    `json:"pull_request"`
	Repository *pushRepository `json:"repository"`
	Sender     account         `json:"sender"`
}

type pullRequest struct {
	Number      int64   `json:"number"`
	Title       text    `json:"title"`
	User        account `json:"user"`
	Association text    `json:"author_association"`
	UpdatedAt   moment  `json:"updated_at"`
	Head        struct {
		SHA  string  `json:"sha"`
		Repo account `json:"repo"`
	} `json:"head"`
	Base struct {
		Repo *struct {
			ID       int64  `json:"id"`
			FullName string `json:"full_name"`
		} `json:"repo"`
	} `json:"base"`
}

// account is who or what has an id; it is zero for anything else, such as null.
type account struct {
	Login text
	ID    int64
}

func (a *account) UnmarshalJSON(raw []byte) error {
	said := as[struct {
		Login text  `json:"login"`
		ID    int64 `json:"id"`
	}](raw)
	a.Login, a.ID = said.Login, said.ID
	return nil
}

// headChanges are the actions after which a pull request's head may have no build yet.
var headChanges = map[text]bool{"opened": true, "reopened": true, "synchronize": true, "ready_for_review": true}

// readPull reads a pull_request event: what to build or to end, or the reason why there is neither.
func readPull(payload []byte) (p *Pull, ignored string, err error) {
	var event pullEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, "", fmt.Errorf("%w: it is not a pull_request event: %v", ErrMalformed, err)
	}
	repo, err := repository(event.Repository)
	if err != nil {
		return nil, "", err
	}
	if err := event.check(repo); err != nil {
		return nil, "", err
	}
	closed := event.Action == "closed"
	if !closed && !headChanges[event.Action] {
		action := names.Clean(string(event.Action), 40)
		return nil, fmt.Sprintf("a pull request that was %s has the same head as before", action), nil
	}
	said := event.Pull
	return &Pull{
		Repo:        repo,
		Number:      said.Number,
		SHA:         said.Head.SHA,
		At:          said.UpdatedAt.Time,
		Title:       names.Headline(string(said.Title)),
		Fork:        said.Head.Repo.ID != repo.ID,
		Association: string(said.Association),
		Author:      names.Clean(string(said.User.Login), names.MaxAuthor),
		AuthorID:    said.User.ID,
		Sender:      event.Sender.ID,
		Closed:      closed,
	}, "", nil
}

// check refuses an event that does not say clearly which commit of which pull request it is of.
func (e pullEvent) check(base pipeline.Repository) error {
	switch {
	case e.Pull == nil || e.Pull.Base.Repo == nil:
		return fmt.Errorf("%w: it names no pull request with a base", ErrMalformed)
	case e.Pull.Number <= 0 || e.Number != e.Pull.Number:
		return fmt.Errorf("%w: number and pull_request.number are not the number of one pull request", ErrMalformed)
	case !names.ValidSHA(e.Pull.Head.SHA):
		return fmt.Errorf("%w: pull_request.head.sha is not the full id of a commit", ErrMalformed)
	case base.ID <= 0 || e.Pull.Base.Repo.ID != base.ID || e.Pull.Base.Repo.FullName != base.FullName:
		return fmt.Errorf("%w: pull_request.base.repo is another repository than its own", ErrMalformed)
	}
	return nil
}
