package app

import (
	"context"
	"fmt"
	"strings"

	"vivarium/pipeline"
)

// Forget drops a token that GitHub refused; it was revoked, or ended by another clock.
func (s *Source) Forget(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w, kept := range s.kept {
		if string(kept.Token) == token {
			delete(s.kept, w)
			return true
		}
	}
	return false
}

// Release has a token to clone with revoked, without waiting for that. Others stay.
func (s *Source) Release(token string) {
	t := pipeline.FixedToken(token)
	s.mu.Lock()
	own := s.given[t]
	delete(s.given, t)
	s.mu.Unlock()
	if !own {
		return
	}
	s.revoking.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), revokeTimeout)
		defer cancel()
		if err := s.api.Revoke(ctx, t); err != nil {
			s.config.Log.Warn("a token to clone with is not revoked, and ends within the hour", "err", err)
		}
	})
}

// Changed takes note that GitHub told of a change of installations: all is asked anew, and what was
// refused is worth another try.
func (s *Source) Changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.news++
	clear(s.found)
	clear(s.kept)
}

func (s *Source) newsSoFar() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.news
}

// forgetPlace drops what was known of a repository's installation.
func (s *Source) forgetPlace(repo string, installation int64) {
	key := strings.ToLower(repo)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found[key].installation == installation {
		delete(s.found, key)
	}
	for w := range s.kept {
		if w.repo == key {
			delete(s.kept, w)
		}
	}
}

// Fingerprint names what requests are authenticated with, without giving it away. It differs after
// the key was replaced, and after a change of installations.
func (s *Source) Fingerprint() string {
	return fmt.Sprintf("app %d, key %s, %d", s.config.ID, s.key.fingerprint(), s.newsSoFar())
}

// Sees reports whether the App is installed in a repository, as far as is known: it asks nobody.
func (s *Source) Sees(repo string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.found[strings.ToLower(repo)]
	return !ok || known.installation != 0
}

// Secrets are the tokens that are in use now.
func (s *Source) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, kept := range s.kept {
		all = append(all, string(kept.Token))
	}
	for token := range s.given {
		all = append(all, string(token))
	}
	return all
}
