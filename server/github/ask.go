package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"vivarium/pipeline"
	"vivarium/server/github/names"
)

// MayWrite asks whether an account may write to a repository at this moment. The account is named, and
// must have the id: a name may be another's by now.
func (c *Client) MayWrite(ctx context.Context, fullName, login string, id int64) (bool, error) {
	owner, name, err := names.SplitFullName(fullName)
	if err != nil || !names.ValidOwner(login) {
		return false, errors.Join(err, fmt.Errorf("ask what %.50q may do: it is not the name of an account", login))
	}
	ctx = forErrand(ctx, fullName, pipeline.PurposeAsk)
	var said struct {
		Permission string `json:"permission"`
		User       struct {
			ID int64 `json:"id"`
		} `json:"user"`
	}
	_, err = c.get(ctx, "repos/"+owner+"/"+name+"/collaborators/"+login+"/permission", &said)
	var refusal *APIError
	if err = plain(err); errors.As(err, &refusal) && refusal.Code == http.StatusNotFound {
		return false, nil // there is no such account, or it is nothing to the repository
	}
	if err != nil {
		return false, fmt.Errorf("ask what %s may do in %s: %w", login, fullName, err)
	}
	// maintain is told as write, triage as read (docs.github.com, "Get repository permissions for a
	// user").
	return id > 0 && said.User.ID == id && (said.Permission == "admin" || said.Permission == "write"), nil
}

// Head asks for the commit that a pull request has as its head now, and whether it is open.
func (c *Client) Head(ctx context.Context, fullName string, number int64) (sha string, open bool, err error) {
	owner, name, err := names.SplitFullName(fullName)
	if err != nil {
		return "", false, err
	}
	ctx = forErrand(ctx, fullName, pipeline.PurposeAsk)
	var said struct {
		State string `json:"state"`
		Head  struct {
			SHA string `json:"sha"`
		} `json:"head"`
	}
	if _, err := c.get(ctx, fmt.Sprintf("repos/%s/%s/pulls/%d", owner, name, number), &said); err != nil {
		return "", false, fmt.Errorf("ask for the head of #%d of %s: %w", number, fullName, plain(err))
	}
	if !names.ValidSHA(said.Head.SHA) {
		return "", false, fmt.Errorf("ask for the head of #%d of %s: GitHub names no commit", number, fullName)
	}
	return said.Head.SHA, said.State == "open", nil
}
