package server

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"vivarium/pipeline"
	"vivarium/server/answers"
	"vivarium/server/asked"
	"vivarium/server/github/delivery"
	"vivarium/server/shares"
	"vivarium/server/store/queue"
	"vivarium/server/weigh"
)

const (
	webhookPath = "/webhook"
	// maxDelivery is GitHub's own cap on a payload: 25 MB (docs.github.com, "Webhook events and
	// payloads").
	maxDelivery = 25 << 20
)

// deliveryInput describes the headers. The handler reads them from the request, since a missing one
// is a wrong signature, not a parameter that does not fit.
type deliveryInput struct {
	Event     string `header:"X-GitHub-Event" doc:"push and pull_request are built, an issue_comment may approve; others build nothing."`
	GUID      string `header:"X-GitHub-Delivery" doc:"The delivery's id; one that is known is not built again."`
	Signature string `header:"X-Hub-Signature-256" doc:"sha256= and the hexadecimal HMAC-SHA256 of the body. Required."`

	request *http.Request
	client  string // its address
}

// Resolve keeps the request: the signature covers the body's bytes, and is checked before anything
// in the body is read.
func (in *deliveryInput) Resolve(ctx huma.Context) []error {
	c := unwrap(ctx)
	in.request, in.client = c.Request(), c.RealIP()
	return nil
}

type deliveryAnswer struct {
	Status int
	Body   struct {
		Success bool   `json:"success"`
		Message string `json:"message" doc:"What became of the delivery, for people."`
		Build   string `json:"build,omitempty" doc:"The build's id, when the delivery has one."`
	}
}

func deliveryBody(op *huma.Operation) {
	op.DefaultStatus = http.StatusAccepted
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, Description: "GitHub's payload."}},
		"application/x-www-form-urlencoded": {Schema: &huma.Schema{
			Type: huma.TypeObject,
			Properties: map[string]*huma.Schema{"payload": {Type: huma.TypeString,
				Description: "GitHub's payload as JSON."}},
		}},
	}}
	op.Errors = []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden,
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusTooManyRequests, http.StatusServiceUnavailable,
	}
}

// webhook answers as soon as the build is on disk: 202 for a push or a pull request, 200 for a delivery
// that makes no build.
func (s *Server) webhook(ctx context.Context, in *deliveryInput) (*deliveryAnswer, error) {
	body, free, err := in.read(s.bounds.bodies)
	defer free()
	if err != nil {
		return nil, err
	}
	d, err := s.authorize(ctx, in.request.Header, body)
	if err != nil {
		return nil, err
	}
	switch {
	case d.Installed != nil && d.byApp:
		return s.installed(ctx, *d.Installed)
	case d.Asked != nil && d.byApp:
		words, build, err := asked.Do(ctx, s.builds, d.Origin.Repository, *d.Asked)
		return answerDelivery(http.StatusOK, words, build), err
	case d.Pull != nil:
		return s.pullRequest(ctx, d)
	case d.Comment != nil:
		return s.comment(ctx, d)
	case d.Push == nil:
		return s.heard(ctx, d)
	}
	scale := weigh.Scale{FixedFor: s.builds.Entries.FixedFor, Tags: s.config.Tags, Log: s.log}
	decision, err := scale.Push(ctx, d.Verified)
	if err != nil {
		return nil, err
	}
	if d.Ignored = decision.Ignored; d.Ignored != "" {
		return s.heard(ctx, d)
	}
	accepted, err := s.builds.Queue.AcceptPush(ctx, queue.Push{
		GUID: d.GUID, BodyHash: d.BodyHash, Via: d.via,
		Repo: d.Push.Repo, Ref: d.Push.Ref, SHA: d.Push.SHA, Before: d.Push.Before, At: d.Push.At,
		Author: d.Push.Author, Message: d.Push.Message, Bare: d.Push.Bare,
		Unwanted: decision.Why, Because: pipeline.Cause(decision.Cause),
	})
	if err != nil {
		return nil, err
	}
	return s.accepted(ctx, accepted)
}

// heard notes a delivery that asks for no build, such as the ping by which GitHub tries a new
// webhook. An organization's ping names no repository. A delivery that says that its repository is
// private hides the repository's earlier builds.
func (s *Server) heard(ctx context.Context, d authorized) (*deliveryAnswer, error) {
	if name := d.Origin.Repository; name != "" {
		err := s.builds.Entries.Heard(ctx, d.via, pipeline.Repository{FullName: name, Private: d.Private},
			d.Audit)
		if err != nil {
			return nil, err
		}
	}
	return answerDelivery(http.StatusOK, d.Ignored, 0), nil
}

// installed takes note of a change of the App's installations.
func (s *Server) installed(ctx context.Context, in delivery.Installed) (*deliveryAnswer, error) {
	if s.config.Installed != nil {
		s.config.Installed()
	}
	words, err := s.signers().Note(ctx, in)
	if err != nil {
		return nil, err
	}
	return answerDelivery(http.StatusOK, words, 0), nil
}

// pullRequest takes a delivery that says of a pull request what its head is, or that it was closed.
func (s *Server) pullRequest(ctx context.Context, d authorized) (*deliveryAnswer, error) {
	a, ignored, err := s.pulls.Head(ctx, d.Verified, d.via)
	if err != nil {
		return nil, err
	}
	if d.Ignored = ignored; ignored != "" {
		return s.heard(ctx, d)
	}
	return s.accepted(ctx, a)
}

// comment takes a comment on a pull request, which may approve a fork's commit.
func (s *Server) comment(ctx context.Context, d authorized) (answer *deliveryAnswer, err error) {
	if d.Ignored, err = s.pulls.Comment(ctx, *d.Comment); err != nil {
		return nil, err
	}
	return s.heard(ctx, d)
}

// accepted says what became of a push or a pull request.
func (s *Server) accepted(ctx context.Context, a queue.Accepted) (*deliveryAnswer, error) {
	b := pipeline.Build{ID: a.BuildID}
	if a.Duplicate || a.Skipped || a.Superseded || a.Shared || a.Overtaken { // the answer says how it stands
		var err error
		if b, err = s.builds.Builds.Get(ctx, a.BuildID); err != nil {
			return nil, err
		}
	}
	told := answers.Pushed{Accepted: a, Build: b, URL: cmp.Or(s.config.BuildURL(b.ID), s.base+buildPath(b.ID))}
	status, message := told.Sentence()
	return answerDelivery(status, message, b.ID), nil
}

// read reads the whole body, of at most maxDelivery bytes; it reads none that cannot be signed. The
// caller calls free when it no longer needs the body, also after an error.
func (in *deliveryInput) read(bodies *shares.Shares) (body []byte, free func(), err error) {
	held := &shares.Body{Of: bodies, Client: in.client}
	if in.request.ContentLength > maxDelivery {
		return nil, held.Free, &http.MaxBytesError{Limit: maxDelivery}
	}
	if err := delivery.CheckSigned(in.request.Header); err != nil {
		return nil, held.Free, err
	}
	body, err = held.ReadAll(in.request.Body)
	var tooBig *http.MaxBytesError
	switch {
	case errors.Is(err, shares.ErrNoneLeft), errors.Is(err, shares.ErrNoShare):
		err = crowded(err, tooMuchInFlight)
	case err != nil && !errors.As(err, &tooBig):
		err = &Problem{Message: "the body did not arrive whole: " + err.Error(), status: http.StatusBadRequest}
	}
	if err != nil {
		return nil, held.Free, err
	}
	return body, held.Free, nil
}

func answerDelivery(status int, message string, build int64) *deliveryAnswer {
	a := &deliveryAnswer{Status: status}
	a.Body.Success = true
	a.Body.Message = message
	if build != 0 {
		a.Body.Build = strconv.FormatInt(build, 10)
		a.Body.Message = "build " + a.Body.Build + ": " + message
	}
	return a
}
