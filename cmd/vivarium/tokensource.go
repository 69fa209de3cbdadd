package main

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"vivarium/server"
	"vivarium/server/github"
)

const tokenName = "GITHUB_TOKEN"

// tokenSource gives GITHUB_TOKEN as it is now. A value from the environment stays. .env is read
// again when the file has changed, since tokens that last an hour are renewed there while the
// server runs. A file that cannot be read, or holds no token, changes nothing: its writer may not
// be done.
type tokenSource struct {
	fixed bool
	log   *slog.Logger

	mu      sync.Mutex
	token   server.Secret
	file    os.FileInfo // as last read; nil: there was no file
	checked time.Time   // time of the last reading
}

// newTokenSource begins with the token of the settings.
func newTokenSource(environ []string, token server.Secret, log *slog.Logger) *tokenSource {
	fixed := slices.ContainsFunc(environ, func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return name == tokenName
	})
	return &tokenSource{fixed: fixed, token: token, log: log}
}

// Token looks at the file on each call, which costs some microseconds.
func (s *tokenSource) Token() server.Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fixed {
		s.refresh(time.Now())
	}
	return s.token
}

// Fingerprint tells one token from another without revealing it.
func (s *tokenSource) Fingerprint() string {
	sum := sha256.Sum256([]byte(s.Token()))
	return hex.EncodeToString(sum[:8])
}

func (s *tokenSource) refresh(now time.Time) {
	info, err := os.Stat(dotenvFile)
	if err != nil || !s.changed(info) {
		return
	}
	s.file, s.checked = info, now
	values, err := readDotenv()
	if err != nil {
		s.log.Warn("the token is not renewed", "err", err)
		return
	}
	token := strings.TrimSpace(values[tokenName])
	if token == "" || server.Secret(token) == s.token {
		return
	}
	if err := github.CheckToken(token); err != nil {
		s.log.Warn("the token is not renewed", "err", err)
		return
	}
	s.token = server.Secret(token)
}

// changed reports whether the file may differ from the one last read. On a clock that ticks in
// whole seconds, a change within the second of the reading would not show.
func (s *tokenSource) changed(info os.FileInfo) bool {
	return s.file == nil || !os.SameFile(s.file, info) || s.file.Size() != info.Size() ||
		!s.file.ModTime().Equal(info.ModTime()) ||
		s.checked.Sub(info.ModTime()) < 2*time.Second
}
