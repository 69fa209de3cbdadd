package pipeline

import (
	"context"
	"fmt"
	"io"
	"log/slog"
)

// Purpose is what a token is asked for: it need not be able to do more.
type Purpose string

const (
	PurposeClone  Purpose = "clone"  // to read a repository's code
	PurposeReport Purpose = "report" // to set and read what a commit is told
	PurposeManage Purpose = "manage" // for the operator: names, webhooks, what a token may do
)

// TokenSource gives the tokens to fetch code with. Several goroutines may ask it at once.
type TokenSource interface {
	// Token is asked before each fetch, since a token may last no longer than an hour. repo is
	// OWNER/NAME. An empty token is none. An error says that there is none now, though there may be
	// one later.
	Token(ctx context.Context, repo string, purpose Purpose) (string, error)
}

// FixedToken is one token for every repository and purpose, and never another. It prints as
// [redacted] with every verb, in logs and in JSON.
type FixedToken string

// Token is the token itself.
func (t FixedToken) Token(context.Context, string, Purpose) (string, error) { return string(t), nil }

const redacted = "[redacted]"

// Format keeps the token out of every verb of package fmt.
func (FixedToken) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue keeps the token out of structured logs.
func (FixedToken) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText keeps the token out of JSON and its like.
func (FixedToken) MarshalText() ([]byte, error) { return []byte(redacted), nil }
