// Package app gives the tokens of a GitHub App: each sees one repository and may do what its purpose
// needs, and ends after an hour at most. None is stored.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"vivarium/pipeline"
	"vivarium/server/github"
)

const (
	// renewBefore is how long before its end a token is not given any more: a request with it must
	// have arrived by then.
	renewBefore = 5 * time.Minute
	// knownFor is how long an installation that was found counts, and missingFor one that was not:
	// GitHub tells of changes, and a token that is refused has it looked for again.
	knownFor, missingFor = time.Hour, time.Minute
	// askTimeout bounds the requests for one token, and revokeTimeout one that revokes it.
	askTimeout, revokeTimeout = 30 * time.Second, 10 * time.Second
)

// Config for New.
type Config struct {
	ID      int64  // VIVARIUM_GITHUB_APP_ID
	KeyFile string // VIVARIUM_GITHUB_APP_KEY_FILE
	APIURL  string // GITHUB_API_URL
	Checks  bool   // tokens for reports may write check runs too
	// Others gives the tokens for repositories in which the App is not installed; nil: there are none.
	Others github.TokenSource
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now
}

// Source gives tokens of an App's installations, and Config.Others' where the App is not installed.
// Tokens to clone with are made for each clone and revoked after it; those to report with are kept
// for as long as they last. Several goroutines may use it at once.
type Source struct {
	config   Config
	key      *keyFile
	api      github.Apps
	asking   singleflight.Group
	revoking sync.WaitGroup

	mu    sync.Mutex
	found map[string]place // by the repository's name in lower case
	kept  map[want]github.MintedToken
	given map[pipeline.FixedToken]bool // to clone with, and not revoked yet
	news  int                          // grows when GitHub tells of a change
}

// place is the installation that sees a repository; its ID is 0 where there is none.
type place struct {
	installation int64
	until        time.Time
}

// want is what a token is for.
type want struct {
	repo    string // in lower case
	purpose pipeline.Purpose
}

// New reads the key. It asks GitHub nothing yet.
func New(c Config) (*Source, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	key, err := openKey(c.KeyFile, c.Log)
	if err != nil {
		return nil, err
	}
	if Exposed(key.info) {
		c.Log.Warn("others on this machine may read the key of the GitHub App; run: chmod 600 " + c.KeyFile)
	}
	api, err := github.New(github.Config{APIURL: c.APIURL, Tokens: &signer{id: c.ID, key: key, now: c.Now}})
	if err != nil {
		return nil, fmt.Errorf("cannot use GITHUB_API_URL: %w", err)
	}
	return &Source{
		config: c, key: key, api: github.AsApp(api),
		found: map[string]place{}, kept: map[want]github.MintedToken{}, given: map[pipeline.FixedToken]bool{},
	}, nil
}

// API asks GitHub as the App itself.
func (s *Source) API() github.Apps { return s.api }

// Close waits for the tokens that are being revoked.
func (s *Source) Close() {
	s.revoking.Wait()
	s.api.Close()
}

// Token gives a token that sees this repository alone and may do what the purpose needs.
func (s *Source) Token(ctx context.Context, repo string, purpose pipeline.Purpose) (string, error) {
	if repo == "" { // no installation is for all
		return s.other(ctx, repo, purpose)
	}
	for again := false; ; again = true {
		in, err := s.installation(ctx, repo)
		if err != nil {
			return "", err
		}
		if in == 0 {
			return s.other(ctx, repo, purpose)
		}
		token, err := s.tokenOf(ctx, in, repo, purpose)
		if err == nil || again || !isOutdated(err) {
			return token, told(err)
		}
		s.forgetPlace(repo, in) // it may be installed elsewhere, or no longer
	}
}

// other gives the token for a repository in which the App is not installed. A public one can be read
// without any; nobody reports without one.
func (s *Source) other(ctx context.Context, repo string, purpose pipeline.Purpose) (token string, err error) {
	if s.config.Others != nil {
		if token, err = s.config.Others.Token(ctx, repo, purpose); err != nil {
			return "", err
		}
	}
	if token == "" && purpose == pipeline.PurposeReport {
		return "", &github.APIError{Code: http.StatusNotFound, Message: "the GitHub App is not installed in " + repo +
			": install it there, or let it see this repository in the settings of its installation"}
	}
	return token, nil
}

// isOutdated reports whether an installation that was known may be gone, or see the repository no
// longer.
func isOutdated(err error) bool {
	refused, ok := errors.AsType[*github.APIError](err)
	return ok && (refused.Code == http.StatusNotFound || refused.Code == http.StatusUnprocessableEntity)
}

// told says what to do about a token that GitHub does not make: somebody can mend that at any time,
// and so none of it is final.
func told(err error) error {
	refused, ok := errors.AsType[*github.APIError](err)
	if !ok || refused.RateLimit {
		return err
	}
	told := *refused
	switch refused.Code {
	case http.StatusUnauthorized:
		told.Message += "; the key of the GitHub App may have been replaced: put the new one into " +
			"VIVARIUM_GITHUB_APP_KEY_FILE"
	case http.StatusForbidden:
		told.Message += "; where the installation of the GitHub App is suspended, an owner of the account can " +
			"unsuspend it in its settings"
	case http.StatusUnprocessableEntity:
		told.Code = http.StatusForbidden
		told.Message += "; an owner of the account may have to accept the permissions of the GitHub App in the " +
			"settings of its installation"
	default:
		return err
	}
	return &told
}

// installation finds the installation that sees a repository; 0 is none.
func (s *Source) installation(ctx context.Context, repo string) (int64, error) {
	key := strings.ToLower(repo)
	s.mu.Lock()
	known, ok := s.found[key]
	s.mu.Unlock()
	if ok && s.config.Now().Before(known.until) {
		return known.installation, nil
	}
	found, err := once(ctx, &s.asking, "installation "+key, func(ctx context.Context) (int64, error) {
		return s.findInstallation(ctx, repo)
	})
	return found, told(err)
}

func (s *Source) findInstallation(ctx context.Context, repo string) (int64, error) {
	news := s.newsSoFar()
	in, err := s.api.InstallationOf(ctx, repo)
	until := s.config.Now().Add(knownFor)
	if refused, ok := errors.AsType[*github.APIError](err); ok && refused.Code == http.StatusNotFound {
		in, err, until = github.Installation{}, nil, s.config.Now().Add(missingFor)
	}
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.news == news { // what GitHub said may be outdated otherwise
		s.found[strings.ToLower(repo)] = place{in.ID, until}
	}
	return in.ID, nil
}

// tokenOf gives a token of an installation.
func (s *Source) tokenOf(ctx context.Context, in int64, repo string, purpose pipeline.Purpose) (string, error) {
	if purpose == pipeline.PurposeClone {
		return s.ownToken(ctx, in, repo, purpose)
	}
	w := want{strings.ToLower(repo), purpose}
	s.mu.Lock()
	kept, ok := s.kept[w]
	s.mu.Unlock()
	if ok && s.config.Now().Before(kept.Expires.Add(-renewBefore)) {
		return string(kept.Token), nil
	}
	what := fmt.Sprintf("token %d %s %s", in, w.purpose, w.repo)
	minted, err := once(ctx, &s.asking, what, func(ctx context.Context) (github.MintedToken, error) {
		minted, err := s.mint(ctx, in, repo, purpose)
		if err == nil {
			s.mu.Lock()
			s.kept[w] = minted
			s.mu.Unlock()
		}
		return minted, err
	})
	return string(minted.Token), err
}

// ownToken gives a token that nobody else has, so that it can be revoked after its use.
func (s *Source) ownToken(ctx context.Context, in int64, repo string, purpose pipeline.Purpose) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	minted, err := s.mint(ctx, in, repo, purpose)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given[minted.Token] = true
	return string(minted.Token), nil
}

func (s *Source) mint(
	ctx context.Context, in int64, repo string, purpose pipeline.Purpose,
) (github.MintedToken, error) {
	return s.api.Mint(ctx, in, repo, Permissions(purpose, s.config.Checks))
}

// once does what several ask for at a time once for all of them. It goes on when one of them leaves.
func once[T any](
	ctx context.Context, group *singleflight.Group, what string, do func(context.Context) (T, error),
) (T, error) {
	done := group.DoChan(what, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		return do(ctx)
	})
	select {
	case r := <-done:
		return r.Val.(T), r.Err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
