package server

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"vivarium/sandbox/quantity"
	"vivarium/server/api"
	"vivarium/server/registry"
	"vivarium/server/store/builds"
	"vivarium/server/web"
)

type verdictsInput struct {
	At    string `query:"at" doc:"As of this time: RFC 3339, or 2006-01-02 15:04 in the server's zone; default: now."`
	Repo  string `query:"repo" doc:"Only OWNER/NAME or OWNER/PATTERN, in which * stands for any characters."`
	After string `query:"after" doc:"The previous page's next."`
}

type verdictsAnswer struct {
	Link string `header:"Link" doc:"The next page (RFC 8288), when there is one."`
	Body struct {
		At       time.Time    `json:"at" doc:"The time that the verdicts are as of."`
		Verdicts []verdictDoc `json:"verdicts" doc:"How each branch's last push was judged; at most 100, by name."`
		Next     string       `json:"next,omitempty" doc:"Send it as after for the next page; absent on the last page."`
	}
}

type verdictDoc struct {
	Repository string `json:"repository"`
	Branch     string `json:"branch"`
	Verdict    string `json:"verdict" enum:"queued,running,passed,failed,errored,canceled" doc:"Also by a later build."`
	Cause      string `json:"cause"`
	Commit     string `json:"commit" doc:"The SHA of the last push until then."`
	PushedAt   int64  `json:"pushed_at" doc:"Unix seconds: when the push's delivery was accepted."`
	EndedAt    *int64 `json:"ended_at" doc:"Unix seconds; null until the build has ended."`
	Build      string `json:"build" doc:"The id of the build that judged the push."`
}

// verdicts is one page of the verdicts that the client may see and asked for.
type verdicts struct {
	at   time.Time
	list []builds.Verdict
	next string // the page after it; empty on the last
}

func (s *Server) verdicts(ctx context.Context, in verdictsInput) (v verdicts, err error) {
	q, err := in.query(time.Now())
	if err != nil {
		return verdicts{}, &Problem{Message: err.Error(), status: http.StatusBadRequest}
	}
	q.Limit, q.Sight = pageSize+1, viewerOf(ctx).sight
	v.at = q.At
	if v.list, err = s.builds.Builds.Verdicts(ctx, q); err != nil {
		return verdicts{}, err
	}
	if len(v.list) > pageSize {
		v.list = v.list[:pageSize]
		last := v.list[pageSize-1].Push
		v.next = builds.Branch{Repo: last.Repo.FullName, Ref: last.Ref}.String()
	}
	return v, nil
}

// query reads the parameters.
func (in verdictsInput) query(now time.Time) (q builds.VerdictQuery, err error) {
	q = builds.VerdictQuery{At: now, Repos: in.Repo}
	if in.At != "" {
		if q.At, err = quantity.ParseMoment(in.At, time.Local); err != nil {
			return q, err
		}
	}
	if in.Repo != "" {
		if err := registry.CheckPattern(in.Repo); err != nil {
			return q, err
		}
	}
	var whole bool
	if q.After, whole = builds.ParseBranch(in.After); in.After != "" && (!whole || !isText(in.After)) {
		return q, fmt.Errorf("after must be what a page gave as next")
	}
	return q, nil
}

// isText reports whether a database accepts s as text: PostgreSQL accepts neither NUL nor invalid
// UTF-8.
func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// path is the path of the page after v, for the same time.
func (v verdicts) path(repo string) string {
	if v.next == "" {
		return ""
	}
	values := url.Values{"at": {v.at.UTC().Format(time.RFC3339Nano)}, "after": {v.next}}
	if repo != "" {
		values.Set("repo", repo)
	}
	return "/verdicts?" + values.Encode()
}

func (s *Server) listVerdicts(ctx context.Context, in *verdictsInput) (*verdictsAnswer, error) {
	v, err := s.verdicts(ctx, *in)
	if err != nil {
		return nil, err
	}
	a := &verdictsAnswer{}
	a.Body.At, a.Body.Next = v.at, v.next
	if v.next != "" {
		a.Link = fmt.Sprintf(`<%s>; rel="next"`, s.base+v.path(in.Repo))
	}
	a.Body.Verdicts = make([]verdictDoc, len(v.list))
	for i, one := range v.list {
		a.Body.Verdicts[i] = newVerdictDoc(one)
	}
	return a, nil
}

func newVerdictDoc(v builds.Verdict) verdictDoc {
	d := verdictDoc{
		Repository: v.Push.Repo.FullName, Branch: v.Branch(), Verdict: string(v.Judged.State),
		Cause:  string(v.Judged.Cause),
		Commit: v.Push.SHA, PushedAt: v.Push.QueuedAt.Unix(), Build: strconv.FormatInt(v.Judged.ID, 10),
	}
	if !v.Judged.EndedAt.IsZero() {
		ended := v.Judged.EndedAt.Unix()
		d.EndedAt = &ended
	}
	return d
}

func (s *Server) verdictsPage(c echo.Context) error {
	in := verdictsInput{At: c.QueryParam("at"), Repo: c.QueryParam("repo"), After: c.QueryParam("after")}
	v, err := s.verdicts(c.Request().Context(), in)
	if err != nil {
		return err
	}
	p := web.Verdicts{At: v.at, AtText: in.At, Repo: in.Repo, NextPath: v.path(in.Repo),
		Zone: v.at.In(time.Local).Format("MST -07:00")}
	for _, one := range v.list {
		p.Lines = append(p.Lines, web.VerdictLine{
			Repo: one.Push.Repo.FullName, Branch: one.Branch(), SHA: one.Push.SHA, State: one.Judged.State,
			Cause:   one.Judged.Cause,
			Summary: one.Judged.Summary, PushedAt: one.Push.QueuedAt, Build: one.Judged.ID,
			CommitURL: api.RepoURL(s.config.ServerURL, one.Push.Repo.FullName) + "/commit/" + one.Push.SHA,
		})
	}
	return s.render(c, http.StatusOK, p)
}
