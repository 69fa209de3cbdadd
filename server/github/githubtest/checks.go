package githubtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// GitHub's limits on check runs.
// https://docs.github.com/rest/checks/runs#create-a-check-run
const (
	maxAnnotations = 50 // a request
	maxSummary     = 65_535
	maxActions     = 3
	maxLabel       = 20
	maxButtonText  = 40
	maxMessage     = 64 << 10
	maxTitle       = 255
)

// Check is a check run.
type Check struct {
	ID          int64
	Repo, SHA   string
	Name        string
	ExternalID  string
	Status      string
	Conclusion  string
	DetailsURL  string
	Title       string
	Summary     string
	Annotations []CheckAnnotation
	Actions     []CheckAction
	Started     string
	Completed   string
	History     []string // each status, or conclusion, with its title, as they came
}

// CheckAnnotation marks lines of a file.
type CheckAnnotation struct {
	Path      string `json:"path"`
	StartLine int    `json:"start_line"`
	EndLine   int    `json:"end_line"`
	Level     string `json:"annotation_level"`
	Title     string `json:"title"`
	Message   string `json:"message"`
}

// CheckAction is a button.
type CheckAction struct {
	Label       string `json:"label"`
	Description string `json:"description"`
	Identifier  string `json:"identifier"`
}

// checkRequest is the body that makes or changes a check run.
type checkRequest struct {
	Name        string `json:"name"`
	HeadSHA     string `json:"head_sha"`
	DetailsURL  string `json:"details_url"`
	ExternalID  string `json:"external_id"`
	Status      string `json:"status"`
	Conclusion  string `json:"conclusion"`
	StartedAt   string `json:"started_at"`
	CompletedAt string `json:"completed_at"`
	Output      *struct {
		Title       string            `json:"title"`
		Summary     string            `json:"summary"`
		Annotations []CheckAnnotation `json:"annotations"`
	} `json:"output"`
	Actions []CheckAction `json:"actions"`
}

// Checks returns all check runs, oldest first.
func (a Apps) Checks() []Check {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	var all []Check
	for _, c := range a.s.checks {
		one := *c
		one.Annotations = slices.Clone(c.Annotations)
		all = append(all, one)
	}
	return all
}

func (s *Server) checkRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /repos/{owner}/{name}/check-runs", s.createCheck)
	mux.HandleFunc("PATCH /repos/{owner}/{name}/check-runs/{id}", s.changeCheck)
}

func (s *Server) createCheck(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, wrong := s.readCheck(r)
	known := s.repos[r.PathValue("owner")+"/"+r.PathValue("name")]
	switch {
	case wrong != "":
	case q.Name == "" || q.HeadSHA == "":
		wrong = "Invalid request.\n\n\"name\", \"head_sha\" weren't supplied."
	case !fullSHA.MatchString(q.HeadSHA), len(known.commits) > 0 && !known.commits[q.HeadSHA]:
		wrong = "No commit found for SHA: " + q.HeadSHA
	}
	if wrong != "" {
		refuse(w, http.StatusUnprocessableEntity, wrong)
		return
	}
	c := &Check{ID: int64(90_000 + len(s.checks)), Repo: r.PathValue("owner") + "/" + r.PathValue("name"),
		SHA: q.HeadSHA, Status: "queued"}
	s.checks = append(s.checks, c)
	c.apply(q)
	s.wake()
	answer(w, http.StatusCreated, s.renderCheck(c))
}

func (s *Server) changeCheck(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.checks {
		if strconv.FormatInt(c.ID, 10) != r.PathValue("id") || c.Repo != r.PathValue("owner")+"/"+r.PathValue("name") {
			continue
		}
		q, wrong := s.readCheck(r)
		if wrong != "" {
			refuse(w, http.StatusUnprocessableEntity, wrong)
			return
		}
		c.apply(q)
		s.wake()
		answer(w, http.StatusOK, s.renderCheck(c))
		return
	}
	refuse(w, http.StatusNotFound, "Not Found")
}

// readCheck reads a request's body, or says what GitHub does not take of it.
func (s *Server) readCheck(r *http.Request) (q checkRequest, wrong string) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return q, "Problems parsing JSON: " + err.Error()
	}
	switch {
	case !slices.Contains([]string{"", "queued", "in_progress", "completed"}, q.Status):
		return q, "status is not included in the list"
	case !slices.Contains([]string{"", "action_required", "cancelled", "failure", "neutral", "success", "skipped",
		"timed_out"}, q.Conclusion):
		return q, "conclusion is not included in the list"
	case q.Status == "completed" && q.Conclusion == "", q.Conclusion != "" && q.Status != "completed":
		return q, "a completed check run needs a conclusion"
	case len(q.Actions) > maxActions:
		return q, "too many actions"
	}
	for _, a := range q.Actions {
		if utf8.RuneCountInString(a.Label) > maxLabel || utf8.RuneCountInString(a.Description) > maxButtonText ||
			utf8.RuneCountInString(a.Identifier) > maxLabel || a.Label == "" || a.Identifier == "" {
			return q, "an action is too long"
		}
	}
	for _, t := range []string{q.StartedAt, q.CompletedAt} {
		if _, err := time.Parse(time.RFC3339, t); t != "" && err != nil {
			return q, "not a time: " + t
		}
	}
	return q, q.wrongOutput()
}

func (q checkRequest) wrongOutput() string {
	if q.Output == nil {
		return ""
	}
	switch {
	case q.Output.Title == "" || q.Output.Summary == "":
		return "output needs a title and a summary"
	case len(q.Output.Summary) > maxSummary:
		return "summary exceeds a maximum bytesize of 65535"
	case len(q.Output.Annotations) > maxAnnotations:
		return "annotations exceeds a maximum quantity of 50"
	}
	for _, a := range q.Output.Annotations {
		if a.Path == "" || a.StartLine < 1 || a.EndLine < a.StartLine || a.Message == "" || len(a.Message) > maxMessage ||
			utf8.RuneCountInString(a.Title) > maxTitle || !slices.Contains([]string{"notice", "warning", "failure"}, a.Level) {
			return fmt.Sprintf("an annotation is not as it must be: %+v", a)
		}
	}
	return ""
}

// apply changes a run as a request says. Annotations are added to those that it has.
func (c *Check) apply(q checkRequest) {
	set := func(field *string, value string) {
		if value != "" {
			*field = value
		}
	}
	set(&c.Name, q.Name)
	set(&c.ExternalID, q.ExternalID)
	set(&c.DetailsURL, q.DetailsURL)
	set(&c.Started, q.StartedAt)
	set(&c.Completed, q.CompletedAt)
	if q.Status != "" {
		c.Status, c.Conclusion = q.Status, q.Conclusion
	}
	if q.Actions != nil {
		c.Actions = q.Actions
	}
	if q.Output != nil {
		c.Title, c.Summary = q.Output.Title, q.Output.Summary
		c.Annotations = append(c.Annotations, q.Output.Annotations...)
	}
	if q.Status != "" {
		word := c.Status
		if c.Conclusion != "" {
			word = c.Conclusion
		}
		c.History = append(c.History, word+": "+c.Title)
	}
}

func (s *Server) renderCheck(c *Check) map[string]any {
	return map[string]any{
		"id": c.ID, "name": c.Name, "head_sha": c.SHA, "external_id": c.ExternalID, "status": c.Status,
		"conclusion": c.Conclusion, "details_url": c.DetailsURL,
		"html_url": fmt.Sprintf("https://github.com/%s/runs/%d", c.Repo, c.ID),
		"output": map[string]any{
			"title": c.Title, "summary": c.Summary, "annotations_count": len(c.Annotations), "text": nil,
		},
	}
}

// readChecks answers commits/SHA/check-runs. s.mu is held.
func (s *Server) readChecks(w http.ResponseWriter, r *http.Request, fullName, sha string) {
	all := []any{}
	for i := len(s.checks) - 1; i >= 0; i-- {
		c := s.checks[i]
		if name := r.URL.Query().Get("check_name"); c.Repo == fullName && c.SHA == sha && (name == "" || name == c.Name) {
			all = append(all, s.renderCheck(c))
		}
	}
	answer(w, http.StatusOK, map[string]any{"total_count": len(all), "check_runs": s.pageOf(w, r, all)})
}
