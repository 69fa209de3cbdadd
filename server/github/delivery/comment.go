package delivery

import (
	"encoding/json"
	"fmt"
	"time"

	"vivarium/pipeline"
	"vivarium/server/github/names"
)

// Comment is a comment that was just written on a pull request.
type Comment struct {
	Repo     pipeline.Repository
	Pull     int64
	Author   string // the account's name, safe in a URL's path
	AuthorID int64
	At       time.Time // when it was written; zero when the event does not say so
	Text     string
}

// commentEvent is what is needed of an issue_comment event, and nothing else.
type commentEvent struct {
	Action text `json:"action"`
	Issue  *struct {
		Number int64   `json:"number"`
		Pull   *object `json:"pull_request"`
	} `json:"issue"`
	Comment *struct {
		Body      text    `json:"body"`
		User      account `json:"user"`
		CreatedAt moment  `json:"created_at"`
	} `json:"comment"`
	Repository *pushRepository `json:"repository"`
	Sender     account         `json:"sender"`
}

// object is any JSON value, of which only matters that it is there.
type object struct{}

func (*object) UnmarshalJSON([]byte) error { return nil }

// readComment reads an issue_comment event: a comment, or the reason why it is none that could ask for
// something. Who changes a comment of somebody else's does not write it.
func readComment(payload []byte) (c *Comment, ignored string, err error) {
	var event commentEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, "", fmt.Errorf("%w: it is not an issue_comment event: %v", ErrMalformed, err)
	}
	repo, err := repository(event.Repository)
	if err != nil {
		return nil, "", err
	}
	if event.Issue == nil || event.Comment == nil || event.Issue.Number <= 0 {
		return nil, "", fmt.Errorf("%w: it names no comment on an issue", ErrMalformed)
	}
	who := event.Comment.User
	switch {
	case event.Action != "created":
		return nil, "only a new comment asks for something, not one that was changed or deleted", nil
	case event.Issue.Pull == nil:
		return nil, "the comment is not on a pull request", nil
	case who.ID <= 0 || who.ID != event.Sender.ID || !names.ValidOwner(string(who.Login)):
		return nil, "the comment is not by a person's account, or was written for another", nil
	}
	return &Comment{
		Repo: repo, Pull: event.Issue.Number, Author: string(who.Login), AuthorID: who.ID,
		At: event.Comment.CreatedAt.Time, Text: string(event.Comment.Body),
	}, "", nil
}
