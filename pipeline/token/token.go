// Package token says what tokens of a git host are asked for, and how they are given.
package token

import (
	"context"
	"fmt"
	"io"
	"log/slog"
)

// Purpose is what a token is asked for: it need not be able to do more.
type Purpose string

const (
	Clone  Purpose = "clone"  // to read a repository's code
	Report Purpose = "report" // to set and read what a commit is told
	Ask    Purpose = "ask"    // to find out who may do what, and what a pull request's head is
	Manage Purpose = "manage" // for the operator: names, webhooks, what a token may do
)

// Source gives the tokens to fetch code with. Several goroutines may ask it at once.
type Source interface {
	// Token is asked before each fetch, since a token may last no longer than an hour. repo is
	// OWNER/NAME. An empty token is none. An error says that there is none now, though there may be
	// one later.
	Token(ctx context.Context, repo string, purpose Purpose) (string, error)
}

// Releaser is a Source that wants to know when a token to clone with is not used any longer: it may
// end it then.
type Releaser interface {
	// Release is called once for each token to clone with. It does not block.
	Release(token string)
}

// Release says that a token to clone with, which a source gave, is not used any longer.
func Release(s Source, token string) {
	if r, ok := s.(Releaser); ok && token != "" {
		r.Release(token)
	}
}

// Fixed is one token for every repository and purpose, and never another. It prints as
// [redacted] with every verb, in logs and in JSON.
type Fixed string

// Token is the token itself.
func (t Fixed) Token(context.Context, string, Purpose) (string, error) { return string(t), nil }

const redacted = "[redacted]"

// Format keeps the token out of every verb of package fmt.
func (Fixed) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue keeps the token out of structured logs.
func (Fixed) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText keeps the token out of JSON and its like.
func (Fixed) MarshalText() ([]byte, error) { return []byte(redacted), nil }
