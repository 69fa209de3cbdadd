package pullrequests

import (
	"context"
	"errors"
	"net/http"

	"vivarium/server/store/pulls"
	"vivarium/server/store/queue"
)

// ApproveInput approves a commit.
type ApproveInput struct {
	ID  string `path:"id" doc:"The build's id."`
	SHA string `query:"sha" required:"true" pattern:"^([0-9a-f]{40}|[0-9a-f]{64})$" doc:"The commit that is approved."`
}

// Approved says that a commit was.
type Approved struct {
	Body struct {
		Success bool   `json:"success"`
		Message string `json:"message"`
	}
}

// Approve lets a fork's commit be built, for the operator. Whoever may not see the build does not learn
// that there is one.
func (d Desk) Approve(ctx context.Context, in *ApproveInput) (*Approved, error) {
	b, err := d.Build(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	by, err := d.Operator(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.Pulls.Approve(ctx, by, b.ID, in.SHA); err != nil {
		return nil, err
	}
	out := &Approved{}
	out.Body.Success, out.Body.Message = true, "queued: commit "+in.SHA+" is approved"
	return out, nil
}

// ErrNoOperator says that a commit can be approved only by the operator's token.
var ErrNoOperator = errors.New("who approves a commit signs in with, or sends, the operator's token; `vivarium " +
	"token` makes one")

// Code is the HTTP code that an error is answered with, whose text may be shown; 0 for an error of
// others.
func Code(err error) int {
	var over *queue.QuotaError
	switch {
	case errors.Is(err, ErrNotAsked):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrNoOperator):
		return http.StatusForbidden
	case errors.Is(err, pulls.ErrNoApproval), errors.Is(err, pulls.ErrOtherCommit), errors.As(err, &over):
		return http.StatusConflict
	}
	return 0
}
