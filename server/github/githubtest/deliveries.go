package githubtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vivarium/server/github/githubtest/events"
)

// attempt is one attempt to deliver an event to a webhook.
type attempt struct {
	id         int64
	hook       *Hook
	guid       string
	event      string
	payload    []byte
	at         time.Time
	code       int
	redelivery bool
	done       bool
}

// Send delivers an event to the webhooks of a repository that are for it, as GitHub does: one try
// each, which is waited for here.
func (r Repo) Send(event string, payload []byte) {
	s := r.server
	s.mu.Lock()
	var all []*attempt
	for _, h := range s.hooks {
		if (h.Repo == r.name || strings.HasPrefix(r.name, h.Repo+"/")) && h.Active && slices.Contains(h.Events, event) {
			all = append(all, s.newAttempt(attempt{hook: h, guid: events.GUID(), event: event, payload: payload}))
		}
	}
	s.mu.Unlock()
	for _, a := range all {
		s.try(a)
	}
}

// AddHook gives an organization a webhook, as its owner does in GitHub's pages.
func (r Repo) AddHook(url, secret string, events ...string) {
	r.change(func(*repo) {
		r.server.hooks = append(r.server.hooks, &Hook{
			ID: int64(len(r.server.hooks) + 1), Repo: r.name, URL: url, Secret: secret, Events: events, Active: true, JSON: true,
		})
	})
}

// newAttempt lists an attempt. s.mu is held.
func (s *Server) newAttempt(a attempt) *attempt {
	a.id, a.at = int64(1_000_000+len(s.attempts)), time.Now()
	s.attempts = append(s.attempts, &a)
	return &a
}

// try makes an attempt.
func (s *Server) try(a *attempt) {
	s.mu.Lock()
	url, secret := a.hook.URL, a.hook.Secret
	s.mu.Unlock()
	code := post(s.ctx, url, secret, a)
	s.mu.Lock()
	defer s.mu.Unlock()
	a.code, a.done = code, true
	s.wake()
}

// post gives the code of the answer; 0 for none.
func post(ctx context.Context, url, secret string, a *attempt) int {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(a.payload))
	if err != nil {
		return 0
	}
	maps.Copy(req.Header, events.Header(secret, a.event, a.payload))
	req.Header.Set("X-GitHub-Delivery", a.guid)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode
}

// listDeliveries lists a webhook's attempts, newest first, page by page.
func (s *Server) listDeliveries(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hook(w, r)
	if h == nil {
		return
	}
	size, from := number(r, "per_page", 30, maxPerPage), number(r, "cursor", 1, 1<<20)-1
	var all []any
	for _, a := range slices.Backward(s.attempts) {
		if a.hook == h && a.done {
			all = append(all, a.render())
		}
	}
	from = min(from, len(all))
	to := min(from+size, len(all))
	if to < len(all) {
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?per_page=%d&cursor=%d>; rel="next"`, s.URL(), r.URL.Path, size, to+1))
	}
	answer(w, http.StatusOK, append([]any{}, all[from:to]...))
}

func (a *attempt) render() map[string]any {
	status := "OK"
	switch {
	case a.code == 0:
		status = "failed to connect to host"
	case a.code >= 300:
		status = fmt.Sprintf("Invalid HTTP Response: %d", a.code)
	}
	return map[string]any{
		"id": a.id, "guid": a.guid, "delivered_at": a.at.UTC().Format(time.RFC3339), "redelivery": a.redelivery,
		"duration": 0.03, "status": status, "status_code": a.code, "event": a.event, "action": nil,
		"installation_id": nil, "repository_id": 1, "throttled_at": nil,
	}
}

// redeliver repeats an attempt, some time after it has answered.
func (s *Server) redeliver(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hook(w, r)
	if h == nil {
		return
	}
	id, _ := strconv.ParseInt(r.PathValue("attempt"), 10, 64)
	for _, a := range s.attempts {
		if a.id == id && a.hook == h {
			again := s.newAttempt(attempt{hook: h, guid: a.guid, event: a.event, payload: a.payload, redelivery: true})
			s.pings.Go(func() { s.try(again) })
			answer(w, http.StatusAccepted, map[string]any{})
			return
		}
	}
	refuse(w, http.StatusNotFound, "Not Found")
}

// Delivered reports whether every attempt has its result, whosever it is.
func (r Repo) Delivered() bool {
	s := r.server
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(s.attempts, func(a *attempt) bool { return !a.done })
}
