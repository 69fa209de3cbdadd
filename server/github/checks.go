package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"vivarium/pipeline"
	"vivarium/server/checkrun"
)

// checkBody is a check run in a request.
// https://docs.github.com/rest/checks/runs#create-a-check-run
type checkBody struct {
	Name        string        `json:"name,omitempty"`
	HeadSHA     string        `json:"head_sha,omitempty"` // of a new one
	DetailsURL  string        `json:"details_url,omitempty"`
	ExternalID  string        `json:"external_id,omitempty"`
	Status      string        `json:"status,omitempty"`
	Conclusion  string        `json:"conclusion,omitempty"`
	StartedAt   string        `json:"started_at,omitempty"`
	CompletedAt string        `json:"completed_at,omitempty"`
	Output      checkOutput   `json:"output"`
	Actions     []checkAction `json:"actions,omitempty"`
}

type checkOutput struct {
	Title       string       `json:"title"`
	Summary     string       `json:"summary"`
	Annotations []annotation `json:"annotations,omitempty"`
}

type annotation struct {
	Path      string `json:"path"`
	StartLine int    `json:"start_line"`
	EndLine   int    `json:"end_line"`
	Level     string `json:"annotation_level"`
	Title     string `json:"title,omitempty"`
	Message   string `json:"message"`
}

type checkAction struct {
	Label       string `json:"label"`
	Description string `json:"description"`
	Identifier  string `json:"identifier"`
}

// checkAnswer is what we read of a check run.
type checkAnswer struct {
	ID         int64  `json:"id"`
	ExternalID string `json:"external_id"`
	Output     struct {
		Annotations int `json:"annotations_count"`
	} `json:"output"`
}

// PostCheck makes a check run, or changes the one that r.ID names, and gives its ID, also beside an
// error where it is known. What was added of the annotations is not added again. Its errors are those
// of Post.
func (c *Client) PostCheck(ctx context.Context, r checkrun.Run) (id int64, err error) {
	owner, name, err := checkTarget(r.Repo, r.SHA)
	if err != nil {
		return r.ID, err
	}
	ctx = forErrand(ctx, r.Repo, pipeline.PurposeReport)
	base := "repos/" + owner + "/" + name
	if r.ID == 0 && r.Retried {
		if r.ID, err = c.checkOf(ctx, base, r); err != nil {
			return 0, outcome(err)
		}
	}
	known, err := c.put(ctx, base, r)
	var refusal *APIError
	if r.ID != 0 && errors.As(plain(err), &refusal) && refusal.Code == http.StatusNotFound {
		r.ID = 0 // it was deleted, or is another App's
		known, err = c.put(ctx, base, r)
	}
	if err != nil {
		return r.ID, outcome(err)
	}
	return known.ID, outcome(c.annotate(ctx, base, known, r))
}

// put makes the run, or changes it.
func (c *Client) put(ctx context.Context, base string, r checkrun.Run) (known checkAnswer, err error) {
	body := bodyOf(r)
	if r.ID == 0 {
		body.HeadSHA = r.SHA
		err = c.send(ctx, http.MethodPost, base+"/check-runs", body, &known)
	} else {
		err = c.send(ctx, http.MethodPatch, fmt.Sprintf("%s/check-runs/%d", base, r.ID), body, &known)
	}
	return known, err
}

// annotate adds the annotations that the run does not have yet, as many at a time as GitHub takes.
func (c *Client) annotate(ctx context.Context, base string, known checkAnswer, r checkrun.Run) error {
	for from := known.Output.Annotations; from < len(r.Annotations); from += checkrun.AnnotationsARequest {
		page := r.Annotations[from:min(from+checkrun.AnnotationsARequest, len(r.Annotations))]
		body := checkBody{Output: checkOutput{Title: r.Title, Summary: r.Summary}}
		for _, a := range page {
			body.Output.Annotations = append(body.Output.Annotations, annotation{
				Path: a.Path, StartLine: a.Line, EndLine: a.Line, Level: "failure", Title: a.Title, Message: a.Message,
			})
		}
		path := fmt.Sprintf("%s/check-runs/%d", base, known.ID)
		if err := c.send(ctx, http.MethodPatch, path, body, &checkAnswer{}); err != nil {
			return err
		}
	}
	return nil
}

// checkOf finds the check run of a build, which an earlier try may have made; 0 where it did not.
func (c *Client) checkOf(ctx context.Context, base string, r checkrun.Run) (int64, error) {
	var found struct {
		Runs []checkAnswer `json:"check_runs"`
	}
	query := url.Values{"check_name": {r.Name}, "filter": {"all"}, "per_page": {strconv.Itoa(perPage)}}
	if _, err := c.get(ctx, base+"/commits/"+r.SHA+"/check-runs?"+query.Encode(), &found); err != nil {
		return 0, err
	}
	for _, one := range found.Runs {
		if one.ExternalID == strconv.FormatInt(r.Build, 10) {
			return one.ID, nil
		}
	}
	return 0, nil
}

func bodyOf(r checkrun.Run) checkBody {
	b := checkBody{
		Name: r.Name, DetailsURL: r.URL, ExternalID: strconv.FormatInt(r.Build, 10), Status: r.Status,
		Conclusion: r.Conclusion, StartedAt: at(r.Began), CompletedAt: at(r.Ended),
		Output: checkOutput{Title: r.Title, Summary: r.Summary},
	}
	for _, a := range r.Actions {
		b.Actions = append(b.Actions, checkAction(a))
	}
	return b
}

func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// send sends a body and decodes the answer into a type of ours.
func (c *Client) send(ctx context.Context, method, path string, body, into any) error {
	req, err := c.api.NewRequest(method, path, body)
	if err != nil {
		return err
	}
	_, err = c.api.Do(ctx, req, into)
	return err
}
