// Package personaltoken gives GITHUB_TOKEN as it is now, also after it was renewed in .env.
package personaltoken

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"vivarium/cmd/vivarium/dotenv"
	"vivarium/pipeline"
	"vivarium/server"
	"vivarium/server/github"
)

// Name is the setting that holds the token.
const Name = "GITHUB_TOKEN"

// Source is GITHUB_TOKEN as it is now: one token for every repository and purpose. A value
// from the environment stays. .env is read again when the file has changed, since tokens that last
// an hour are renewed there while the server runs. A file that cannot be read, or holds no token,
// changes nothing: its writer may not be done.
type Source struct {
	fixed bool
	log   *slog.Logger

	mu      sync.Mutex
	token   server.Secret
	file    os.FileInfo // as last read; nil: there was no file
	checked time.Time   // time of the last reading
}

// New begins with the token of the settings.
func New(environ []string, token server.Secret, log *slog.Logger) *Source {
	fixed := slices.ContainsFunc(environ, func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return name == Name
	})
	return &Source{fixed: fixed, token: token, log: log}
}

// Fixed is a token for a command that ends soon: it is not renewed.
func Fixed(token server.Secret) *Source { return &Source{fixed: true, token: token} }

// Token gives the same token to all who ask.
func (t *Source) Token(context.Context, string, pipeline.Purpose) (string, error) {
	return string(t.Now()), nil
}

// Now looks at the file on each call, which costs some microseconds.
func (t *Source) Now() server.Secret {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.fixed {
		t.refresh(time.Now())
	}
	return t.token
}

// Fingerprint tells one token from another without revealing it.
func (t *Source) Fingerprint() string {
	sum := sha256.Sum256([]byte(t.Now()))
	return hex.EncodeToString(sum[:8])
}

func (t *Source) refresh(now time.Time) {
	info, err := os.Stat(dotenv.File)
	if err != nil || !t.changed(info) {
		return
	}
	t.file, t.checked = info, now
	values, err := dotenv.Read()
	if err != nil {
		t.log.Warn("the token is not renewed", "err", err)
		return
	}
	token := strings.TrimSpace(values[Name])
	if token == "" || server.Secret(token) == t.token {
		return
	}
	if err := github.CheckToken(token); err != nil {
		t.log.Warn("the token is not renewed", "err", err)
		return
	}
	t.token = server.Secret(token)
}

// changed reports whether the file may differ from the one last read. On a clock that ticks in
// whole seconds, a change within the second of the reading would not show.
func (t *Source) changed(info os.FileInfo) bool {
	return t.file == nil || !os.SameFile(t.file, info) || t.file.Size() != info.Size() ||
		!t.file.ModTime().Equal(info.ModTime()) ||
		t.checked.Sub(info.ModTime()) < 2*time.Second
}
