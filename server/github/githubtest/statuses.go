package githubtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"vivarium/server/github/githubtest/events"
)

// GitHub's limits on commit statuses.
// https://docs.github.com/rest/commits/statuses#create-a-commit-status
const (
	maxDescription = 140
	maxContext     = 255
	maxPerContext  = 1000 // statuses of one commit and context
	maxPerPage     = 100
)

var fullSHA = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

func (s *Server) createStatus(w http.ResponseWriter, r *http.Request) {
	var body struct {
		State       string `json:"state"`
		TargetURL   string `json:"target_url"`
		Description string `json:"description"`
		Context     string `json:"context"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		refuse(w, http.StatusBadRequest, "Problems parsing JSON")
		return
	}
	if body.Context == "" {
		body.Context = "default"
	}
	st := Status{
		Time: time.Now(), Repo: r.PathValue("owner") + "/" + r.PathValue("name"), SHA: r.PathValue("sha"),
		State: body.State, Context: body.Context, Description: body.Description, TargetURL: body.TargetURL,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.repos[st.Repo]
	switch {
	case known == nil:
		refuse(w, http.StatusNotFound, "Not Found")
		return
	case !fullSHA.MatchString(st.SHA), len(known.commits) > 0 && !known.commits[st.SHA]:
		refuse(w, http.StatusUnprocessableEntity, "No commit found for SHA: "+st.SHA)
		return
	}
	if wrong := s.validate(st); wrong != nil {
		refuse(w, http.StatusUnprocessableEntity, "Validation Failed", wrong)
		return
	}
	st.ID = int64(len(s.statuses) + 1)
	s.statuses = append(s.statuses, st)
	if s.options.OnStatus != nil {
		s.options.OnStatus(st)
	}
	s.wake()
	answer(w, http.StatusCreated, s.render(st))
}

// validate says what GitHub would not accept. s.mu is held.
func (s *Server) validate(st Status) map[string]any {
	wrong := func(field, message string) map[string]any {
		return map[string]any{"resource": "Status", "code": "custom", "field": field, "message": message}
	}
	switch st.State {
	case "error", "failure", "pending", "success":
	default:
		return wrong("state", "state is not included in the list")
	}
	if utf8.RuneCountInString(st.Description) > maxDescription {
		return wrong("description", "description is too long (maximum is 140 characters)")
	}
	if strings.ContainsFunc(st.Description, func(r rune) bool { return r > 0xffff }) {
		return wrong("description", "description doesn't accept 4-byte Unicode")
	}
	if utf8.RuneCountInString(st.Context) > maxContext {
		return wrong("context", "context is too long (maximum is 255 characters)")
	}
	if st.TargetURL != "" && !strings.HasPrefix(st.TargetURL, "http://") &&
		!strings.HasPrefix(st.TargetURL, "https://") {
		return wrong("target_url", "target_url must use http(s) scheme")
	}
	count := 0
	for _, old := range s.statuses {
		if old.Repo == st.Repo && old.SHA == st.SHA && strings.EqualFold(old.Context, st.Context) {
			count++
		}
	}
	if count >= maxPerContext {
		return map[string]any{
			"resource": "Status",
			"code":     "custom",
			"message":  "This SHA and context has reached the maximum number of statuses.",
		}
	}
	return nil
}

// readStatuses answers commits/REF/statuses (all, newest first) and commits/REF/status (the newest
// of each context).
func (s *Server) readStatuses(w http.ResponseWriter, r *http.Request) {
	if sha, checks := strings.CutSuffix(r.PathValue("rest"), "/check-runs"); checks {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.readChecks(w, r, r.PathValue("owner")+"/"+r.PathValue("name"), sha)
		return
	}
	if fullSHA.MatchString(r.PathValue("rest")) {
		s.commit(w, r)
		return
	}
	ref, combined := strings.CutSuffix(r.PathValue("rest"), "/status")
	ref, list := strings.CutSuffix(ref, "/statuses")
	if combined == list {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fullName := r.PathValue("owner") + "/" + r.PathValue("name")
	known := s.repos[fullName]
	if known == nil {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	sha := ref
	if named, ok := known.refs[ref]; ok {
		sha = named
	}
	if !fullSHA.MatchString(sha) || len(known.commits) > 0 && !known.commits[sha] {
		refuse(w, http.StatusUnprocessableEntity, "No commit found for SHA: "+ref)
		return
	}
	found := s.newestFirst(fullName, sha, combined)
	page := s.page(w, r, found)
	if list {
		answer(w, http.StatusOK, page)
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"sha": sha, "state": combinedState(found), "total_count": len(found), "statuses": page,
		"repository": map[string]any{"full_name": fullName},
	})
}

// newestFirst returns the statuses of a commit. s.mu is held.
func (s *Server) newestFirst(fullName, sha string, onePerContext bool) []Status {
	var found []Status
	seen := map[string]bool{}
	for i := len(s.statuses) - 1; i >= 0; i-- {
		st := s.statuses[i]
		key := strings.ToLower(st.Context)
		if st.Repo != fullName || st.SHA != sha || onePerContext && seen[key] {
			continue
		}
		seen[key] = true
		found = append(found, st)
	}
	return found
}

// page cuts out the page that was asked for and says where the next page is.
func (s *Server) page(w http.ResponseWriter, r *http.Request, all []Status) []map[string]any {
	size := number(r, "per_page", 30, maxPerPage)
	page := number(r, "page", 1, 1<<20)
	from := min((page-1)*size, len(all))
	to := min(from+size, len(all))
	if to < len(all) {
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?per_page=%d&page=%d>; rel="next"`, s.URL(), r.URL.Path, size, page+1))
	}
	rendered := []map[string]any{}
	for _, st := range all[from:to] {
		rendered = append(rendered, s.render(st))
	}
	return rendered
}

func number(r *http.Request, name string, fallback, highest int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 1 {
		return fallback
	}
	return min(n, highest)
}

func combinedState(newest []Status) string {
	state := "success"
	for _, st := range newest {
		switch st.State {
		case "error", "failure":
			return "failure"
		case "pending":
			state = "pending"
		}
	}
	if len(newest) == 0 {
		state = "pending"
	}
	return state
}

func (s *Server) render(st Status) map[string]any {
	var target any
	if st.TargetURL != "" {
		target = st.TargetURL
	}
	at := st.Time.UTC().Format(time.RFC3339)
	return map[string]any{
		"id": st.ID, "node_id": fmt.Sprintf("SC_%d", st.ID), "state": st.State, "context": st.Context,
		"url":         fmt.Sprintf("%s/repos/%s/statuses/%s", s.URL(), st.Repo, st.SHA),
		"description": st.Description, "target_url": target, "avatar_url": nil,
		"created_at": at, "updated_at": at, "creator": events.User("mona"),
	}
}
