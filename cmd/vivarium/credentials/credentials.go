// Package credentials gives what requests to the git host are made with: the tokens of a GitHub App
// where it is installed, and GITHUB_TOKEN elsewhere.
package credentials

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"vivarium/cmd/vivarium/personaltoken"
	"vivarium/pipeline/token"
	"vivarium/server"
	"vivarium/server/github/app"
)

// App are the settings of a GitHub App. The zero App is none.
type App struct {
	ID      int64         // VIVARIUM_GITHUB_APP_ID
	KeyFile string        // VIVARIUM_GITHUB_APP_KEY_FILE
	Secret  server.Secret // VIVARIUM_GITHUB_APP_WEBHOOK_SECRET
}

// Check refuses half an App.
func (a App) Check() error {
	if (a.ID == 0) != (a.KeyFile == "") {
		return errors.New("VIVARIUM_GITHUB_APP_ID and VIVARIUM_GITHUB_APP_KEY_FILE go together: set both or neither")
	}
	if a.Secret != "" && a.ID == 0 {
		return errors.New("VIVARIUM_GITHUB_APP_WEBHOOK_SECRET is of no use without VIVARIUM_GITHUB_APP_ID and " +
			"VIVARIUM_GITHUB_APP_KEY_FILE: set all three")
	}
	return nil
}

// IsSet reports whether there is an App.
func (a App) IsSet() bool { return a.ID != 0 }

// Source gives tokens for requests to the git host. Several goroutines may use it at once.
type Source struct {
	personal *personaltoken.Source
	app      *app.Source // nil: there is no App
}

// New makes the source of a server's tokens, which write checks where that is wanted.
func New(a App, apiURL string, checks bool, personal *personaltoken.Source, log *slog.Logger) (*Source, error) {
	if err := a.Check(); err != nil || !a.IsSet() {
		return &Source{personal: personal}, err
	}
	tokens, err := app.New(app.Config{
		ID: a.ID, KeyFile: a.KeyFile, APIURL: apiURL, Checks: checks, Others: personal, Log: log,
	})
	return &Source{personal: personal, app: tokens}, err
}

// Close waits for the tokens that are being revoked.
func (s *Source) Close() {
	if s.app != nil {
		s.app.Close()
	}
}

// App gives the tokens of the App; nil where there is none.
func (s *Source) App() *app.Source { return s.app }

// Token is that of the App where it is installed.
func (s *Source) Token(ctx context.Context, repo string, purpose token.Purpose) (string, error) {
	if s.app != nil {
		return s.app.Token(ctx, repo, purpose)
	}
	return s.personal.Token(ctx, repo, purpose)
}

// Forget drops a token of the App's that was refused.
func (s *Source) Forget(token string) bool { return s.app != nil && s.app.Forget(token) }

// Release ends a token of the App's to clone with.
func (s *Source) Release(token string) {
	if s.app != nil {
		s.app.Release(token)
	}
}

// Changed takes note that GitHub told of a change of the App's installations.
func (s *Source) Changed() {
	if s.app != nil {
		s.app.Changed()
	}
}

// Fingerprint tells one state of the credentials from another without giving one away.
func (s *Source) Fingerprint() string {
	if s.app != nil {
		return s.personal.Fingerprint() + ", " + s.app.Fingerprint()
	}
	return s.personal.Fingerprint()
}

// FingerprintFor tells in the same way what is used for one repository, as far as is known.
func (s *Source) FingerprintFor(repo string) string {
	if s.app != nil && s.app.Sees(repo) {
		return s.app.Fingerprint()
	}
	return s.personal.Fingerprint()
}

// Account names whose limits at the git host requests for a repository count against, as far as is
// known: an App has one installation for each owner, and all that GITHUB_TOKEN is used for is one.
func (s *Source) Account(repo string) string {
	if s.app == nil || !s.app.Sees(repo) {
		return ""
	}
	owner, _, _ := strings.Cut(strings.ToLower(repo), "/")
	return "app at " + owner
}

// Secrets are the tokens that are in use now.
func (s *Source) Secrets() []string {
	var all []string
	if personal := s.personal.Now(); personal != "" {
		all = append(all, string(personal))
	}
	if s.app != nil {
		all = append(all, s.app.Secrets()...)
	}
	return all
}
