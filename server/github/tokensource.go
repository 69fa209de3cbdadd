package github

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"vivarium/pipeline"
)

// TokenSource gives the tokens for requests. Several goroutines may ask it at once.
type TokenSource interface {
	// Token is asked before each request, since a token may last no longer than an hour. repo is
	// OWNER/NAME, or empty where the request concerns none in particular. An empty token is none. An
	// error says that there is none now, though there may be one later: the request is not sent.
	Token(ctx context.Context, repo string, purpose pipeline.Purpose) (string, error)
}

// About marks a context with the repository that a question for its name or its ID is about, so that
// a token which sees that repository alone will do.
func About(ctx context.Context, repo string) context.Context {
	return forErrand(ctx, repo, pipeline.PurposeManage)
}

// Forgetter is a TokenSource that may have another token in place of one that was refused.
type Forgetter interface {
	// Forget reports whether it had given this token, which it does not give again.
	Forget(token string) bool
}

// errand is what requests are made for.
type errand struct {
	repo    string
	purpose pipeline.Purpose
}

type errandKey struct{}

// forErrand marks a context, so that the requests made with it carry the token of this errand.
func forErrand(ctx context.Context, repo string, purpose pipeline.Purpose) context.Context {
	return context.WithValue(ctx, errandKey{}, errand{repo, purpose})
}

type ownTokenKey struct{}

// withToken marks a context, so that the requests made with it carry this token and no other.
func withToken(ctx context.Context, token string) context.Context {
	return context.WithValue(ctx, ownTokenKey{}, token)
}

// tokenError says that a request was not sent, since there was no token for it.
type tokenError struct{ error }

func (e *tokenError) Unwrap() error { return e.error }

// tokenFor is the token for a request that is made with this context; empty is none.
func tokenFor(ctx context.Context, s TokenSource) (string, error) {
	if own, ok := ctx.Value(ownTokenKey{}).(string); ok {
		return own, nil
	}
	if s == nil {
		return "", nil
	}
	e, _ := ctx.Value(errandKey{}).(errand)
	token, err := s.Token(ctx, e.repo, e.purpose)
	if err == nil {
		err = CheckToken(token)
	}
	if err != nil {
		return "", &tokenError{fmt.Errorf("get a token to ask GitHub with: %w", err)}
	}
	return token, nil
}

// CheckToken refuses a token that could not be sent in a header. Its error does not show the token.
func CheckToken(token string) error {
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("it holds white space or other characters that no token has")
	}
	return nil
}
