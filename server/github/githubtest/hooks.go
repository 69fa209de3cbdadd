package githubtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vivarium/server/github/githubtest/events"
)

// Hook is a webhook of a repository.
type Hook struct {
	ID     int64
	Repo   string
	URL    string
	Secret string
	Events []string
	Active bool
	JSON   bool

	answer map[string]any // to the last delivery
}

// HookRefusal is a repository's answer to requests about its webhooks.
type HookRefusal struct {
	Code    int
	Message string
}

// RefuseHooks makes it refuse such requests, as for a token that may not manage its webhooks.
func (r Repo) RefuseHooks(with HookRefusal) {
	r.change(func(known *repo) { known.refuseHooks = &with })
}

// Hooks returns the webhooks of all repositories, in the order in which they were made.
func (s *Server) Hooks() []Hook {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Hook
	for _, h := range s.hooks {
		all = append(all, *h)
	}
	return all
}

func (s *Server) hookRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /orgs/{org}/repos", s.orgRepos)
	mux.HandleFunc("GET /user/repos", s.userRepos)
	mux.HandleFunc("GET /repos/{owner}/{name}", s.oneRepo)
	mux.HandleFunc("GET /repositories/{id}", s.oneRepo)
	mux.HandleFunc("GET /repos/{owner}/{name}/hooks", s.listHooks)
	mux.HandleFunc("POST /repos/{owner}/{name}/hooks", s.createHook)
	mux.HandleFunc("GET /repos/{owner}/{name}/hooks/{id}",
		s.oneHook(func(*http.Request, *Hook) *HookRefusal { return nil }))
	mux.HandleFunc("PATCH /repos/{owner}/{name}/hooks/{id}", s.oneHook(s.changeHook))
	mux.HandleFunc("POST /repos/{owner}/{name}/hooks/{id}/pings", s.pingHook)
	for _, whose := range []string{"/repos/{owner}/{name}", "/orgs/{org}"} {
		mux.HandleFunc("GET "+whose+"/hooks/{id}/deliveries", s.listDeliveries)
		mux.HandleFunc("POST "+whose+"/hooks/{id}/deliveries/{attempt}/attempts", s.redeliver)
	}
	mux.HandleFunc("GET /orgs/{org}/hooks", s.listHooks)
}

// orgRepos lists an organization's repositories. The owner named in Options.User is a user.
func (s *Server) orgRepos(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("org") == s.options.User {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	s.answerRepos(w, r, r.PathValue("org")+"/")
}

func (s *Server) userRepos(w http.ResponseWriter, r *http.Request) { s.answerRepos(w, r, "") }

func (s *Server) answerRepos(w http.ResponseWriter, r *http.Request, prefix string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []any
	for _, name := range s.repoNames() {
		if strings.HasPrefix(name, prefix) {
			all = append(all, s.renderRepo(name))
		}
	}
	answer(w, http.StatusOK, s.pageOf(w, r, all))
}

// renderRepo shows a repository. s.mu is held.
func (s *Server) renderRepo(name string) map[string]any {
	one := events.Repository(name, s.repos[name].id, s.repos[name].private)
	one["archived"] = s.repos[name].archived
	return one
}

// oneRepo finds a repository by its name or its id.
func (s *Server) oneRepo(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, known := range s.repos {
		if name == r.PathValue("owner")+"/"+r.PathValue("name") ||
			strconv.FormatInt(known.id, 10) == r.PathValue("id") {
			answer(w, http.StatusOK, s.renderRepo(name))
			return
		}
	}
	refuse(w, http.StatusNotFound, "Not Found")
}

// repoNames returns the names in order. s.mu is held.
func (s *Server) repoNames() []string {
	var names []string
	for name := range s.repos {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// pageOf cuts out the page that was asked for and says where the next page is.
func (s *Server) pageOf(w http.ResponseWriter, r *http.Request, all []any) []any {
	size, page := number(r, "per_page", 30, maxPerPage), number(r, "page", 1, 1<<20)
	from := min((page-1)*size, len(all))
	to := min(from+size, len(all))
	if to < len(all) {
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?per_page=%d&page=%d>; rel="next"`, s.URL(), r.URL.Path, size, page+1))
	}
	return append([]any{}, all[from:to]...)
}

// hooked finds the repository of a request about webhooks, or answers why it cannot. s.mu is held.
func (s *Server) hooked(w http.ResponseWriter, r *http.Request) (fullName string, ok bool) {
	if org := r.PathValue("org"); org != "" {
		return org, true
	}
	fullName = r.PathValue("owner") + "/" + r.PathValue("name")
	known := s.repos[fullName]
	switch {
	case known == nil:
		refuse(w, http.StatusNotFound, "Not Found")
	case known.refuseHooks != nil:
		refuse(w, known.refuseHooks.Code, known.refuseHooks.Message)
	case known.archived && r.Method != http.MethodGet:
		refuse(w, http.StatusForbidden, "Repository was archived so is read-only.")
	default:
		return fullName, true
	}
	return fullName, false
}

func (s *Server) listHooks(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fullName, ok := s.hooked(w, r)
	if !ok {
		return
	}
	var all []any
	for _, h := range s.hooks {
		if h.Repo == fullName {
			all = append(all, s.renderHook(h))
		}
	}
	answer(w, http.StatusOK, s.pageOf(w, r, all))
}

func (s *Server) createHook(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fullName, ok := s.hooked(w, r)
	if !ok {
		return
	}
	h := &Hook{ID: int64(len(s.hooks) + 1), Repo: fullName, Active: true}
	if no := s.changeHook(r, h); no != nil {
		refuse(w, no.Code, no.Message)
		return
	}
	for _, other := range s.hooks {
		if other.Repo == fullName && other.URL == h.URL {
			refuse(w, http.StatusUnprocessableEntity, "Validation Failed", map[string]any{
				"resource": "Hook",
				"code":     "custom",
				"message":  "Hook already exists on this repository",
			})
			return
		}
	}
	s.hooks = append(s.hooks, h)
	s.ping(h)
	answer(w, http.StatusCreated, s.renderHook(h))
}

// oneHook does something to an existing webhook, and shows it.
func (s *Server) oneHook(do func(*http.Request, *Hook) *HookRefusal) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		h := s.hook(w, r)
		if h == nil {
			return
		}
		if no := do(r, h); no != nil {
			refuse(w, no.Code, no.Message)
			return
		}
		answer(w, http.StatusOK, s.renderHook(h))
	}
}

func (s *Server) pingHook(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.hook(w, r); h != nil {
		s.ping(h)
		w.WriteHeader(http.StatusNoContent)
	}
}

// hook finds the webhook that a request names, or answers that there is none. s.mu is held.
func (s *Server) hook(w http.ResponseWriter, r *http.Request) *Hook {
	fullName, ok := s.hooked(w, r)
	if !ok {
		return nil
	}
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	for _, h := range s.hooks {
		if h.ID == id && h.Repo == fullName {
			return h
		}
	}
	refuse(w, http.StatusNotFound, "Not Found")
	return nil
}

func (s *Server) changeHook(r *http.Request, h *Hook) *HookRefusal {
	var body struct {
		Name   string   `json:"name"`
		Events []string `json:"events"`
		Active *bool    `json:"active"`
		Config struct {
			URL         string `json:"url"`
			ContentType string `json:"content_type"`
			Secret      string `json:"secret"`
		} `json:"config"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return &HookRefusal{http.StatusBadRequest, "Problems parsing JSON"}
	}
	if !strings.HasPrefix(body.Config.URL, "http") {
		return &HookRefusal{http.StatusUnprocessableEntity, "Validation Failed"}
	}
	h.URL, h.Secret, h.JSON, h.Events =
		body.Config.URL, body.Config.Secret, body.Config.ContentType == "json", body.Events
	if body.Active != nil {
		h.Active = *body.Active
	}
	return nil
}

// renderHook shows a webhook as GitHub does: without its secret. s.mu is held.
func (s *Server) renderHook(h *Hook) map[string]any {
	last := map[string]any{"code": nil, "status": "unused", "message": nil}
	if h.answer != nil {
		last = h.answer
	}
	kind := "form"
	if h.JSON {
		kind = "json"
	}
	return map[string]any{
		"type": "Repository", "id": h.ID, "name": "web", "active": h.Active, "events": h.Events,
		"config":        map[string]any{"url": h.URL, "content_type": kind, "insecure_ssl": "0", "secret": "********"},
		"url":           fmt.Sprintf("%s/repos/%s/hooks/%d", s.URL(), h.Repo, h.ID),
		"last_response": last,
	}
}

// ping delivers a ping as GitHub does, some time after its API has answered. s.mu is held.
func (s *Server) ping(h *Hook) {
	repository := events.Repository(h.Repo, s.repos[h.Repo].id, false)
	body, err := json.Marshal(map[string]any{
		"zen": "Keep it logically awesome.", "hook_id": h.ID, "repository": repository, "sender": events.User("mona"),
		"hook": map[string]any{"type": "Repository", "id": h.ID, "name": "web", "active": h.Active, "events": h.Events},
	})
	if err != nil {
		panic(err) // it holds only maps, texts and numbers
	}
	url, secret := h.URL, h.Secret
	s.pings.Go(func() {
		a, err := events.Deliver(s.ctx, url, secret, "ping", body)
		said := map[string]any{"code": a.Code, "status": "active", "message": http.StatusText(a.Code)}
		switch {
		case err != nil:
			said = map[string]any{"code": 0, "status": "connection_error", "message": "failed to connect to host"}
		case a.Code >= 300:
			said["status"] = "unsuccessful"
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		h.answer = said
		s.wake()
	})
}
