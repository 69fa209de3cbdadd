package githubtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"vivarium/server/github/githubtest/events"
)

const maxBody = 1 << 20

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /repos/{owner}/{name}/statuses/{sha}", s.createStatus)
	mux.HandleFunc("GET /repos/{owner}/{name}/commits/{rest...}", s.readStatuses)
	mux.HandleFunc("GET /user", s.user)
	mux.HandleFunc("GET /installation/repositories", s.installation)
	mux.HandleFunc("GET /repos/{owner}/{name}/branches", s.branches)
	s.hookRoutes(mux)
	s.appRoutes(mux)
	s.checkRoutes(mux)
	s.manifestRoutes(mux)
	s.peopleRoutes(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { refuse(w, http.StatusNotFound, "Not Found") })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Only after the body is read does net/http notice that a client leaves.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.record(r)
		s.nextFault().serve(w, r, func(w http.ResponseWriter, r *http.Request) {
			s.headers(w.Header())
			if needsNone(r) || s.authorized(w, r) {
				s.limitContent(w, r, s.follow(conditional(mux.ServeHTTP)))
			}
		})
	})
}

func (s *Server) record(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{
		Time:   time.Now(),
		Method: r.Method,
		Path:   r.URL.RequestURI(),
		Header: r.Header.Clone(),
	})
	s.wake()
}

// headers sets the headers of every answer of GitHub's, as far as clients use them.
func (s *Server) headers(h http.Header) {
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-GitHub-Media-Type", "github.v3; format=json")
	h.Set("X-GitHub-Request-Id", strings.ToUpper(events.GUID()))
	h.Set("X-RateLimit-Limit", "5000")
	h.Set("X-RateLimit-Remaining", "4987")
	h.Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(30*time.Minute).Unix()))
	h.Set("X-RateLimit-Resource", "core")
	if s.options.Scopes != "" {
		h.Set("X-OAuth-Scopes", s.options.Scopes)
	}
	if !s.options.Expires.IsZero() {
		h.Set("GitHub-Authentication-Token-Expiration", s.options.Expires.UTC().Format("2006-01-02 15:04:05 MST"))
	}
}

func (s *Server) authorized(w http.ResponseWriter, r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token == "" {
		refuse(w, http.StatusUnauthorized, "Requires authentication")
		return false
	}
	if handled, ok := s.asApp(w, r, token); handled {
		return ok
	}
	known := strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "token")
	s.mu.Lock()
	accepted := s.token
	s.mu.Unlock()
	if !known || accepted != "" && token != accepted {
		refuse(w, http.StatusUnauthorized, "Bad credentials")
		return false
	}
	return true
}

func (s *Server) user(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Header.Get("Authorization"), " ghs_") {
		refuse(w, http.StatusForbidden, "Resource not accessible by integration")
		return
	}
	answer(w, http.StatusOK, events.User("mona"))
}

func (s *Server) installation(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.Header.Get("Authorization"), " ghs_") {
		refuse(w, http.StatusForbidden, "You must authenticate with an installation access token in order to list "+
			"repositories for an installation.")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := []any{}
	if t := s.minted(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); t != nil {
		for _, name := range t.Repos {
			seen = append(seen, s.renderRepo(name))
		}
	}
	answer(w, http.StatusOK, map[string]any{"total_count": len(seen), "repositories": seen})
}

func answer(w http.ResponseWriter, code int, body any) {
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(body) // it does not matter that a client left
}

// refuse answers with an error as GitHub's documentation shows it.
// https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
func refuse(w http.ResponseWriter, code int, message string, details ...map[string]any) {
	body := map[string]any{
		"message":           message,
		"documentation_url": "https://docs.github.com/rest/commits/statuses#create-a-commit-status",
		"status":            fmt.Sprint(code),
	}
	if len(details) > 0 {
		body["errors"] = details
	}
	answer(w, code, body)
}
