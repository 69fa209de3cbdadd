package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"vivarium/pipeline"
	"vivarium/server/api"
	"vivarium/server/filter"
	"vivarium/server/logtext"
	"vivarium/server/store/database"
)

// pageSize is how many builds a list holds.
const pageSize = 100

type listInput struct {
	Before int64 `query:"before" minimum:"1" doc:"Only builds with an id below this one: the previous page's next."`
	filter.Words
}

type listAnswer struct {
	Link string `header:"Link" doc:"The next page (RFC 8288), when there is one."`
	Body struct {
		Logs []string `json:"logs" doc:"Ids of builds, newest first, at most 100."`
		Next string   `json:"next,omitempty" doc:"What to send as before to get the next page; absent on the last."`
	}
}

func (s *Server) listBuilds(ctx context.Context, in *listInput) (*listAnswer, error) {
	builds, next, err := s.newest(ctx, in.Words, in.Before)
	if err != nil {
		return nil, err
	}
	a := &listAnswer{}
	a.Body.Logs = make([]string, len(builds))
	for i, b := range builds {
		a.Body.Logs[i] = strconv.FormatInt(b.ID, 10)
	}
	if next != 0 {
		a.Body.Next = strconv.FormatInt(next, 10)
		a.Link = fmt.Sprintf(`<%s>; rel="next"`, s.base+in.Words.Path(next))
	}
	return a, nil
}

// newest gives one page of the builds that words ask for and the client may see, and the ID before
// which the next page begins, or zero.
func (s *Server) newest(ctx context.Context, words filter.Words, before int64) ([]pipeline.Build, int64, error) {
	q, err := words.Query(time.Now(), time.UTC)
	if err != nil {
		return nil, 0, &Problem{Message: err.Error(), status: http.StatusBadRequest}
	}
	q.Before, q.Limit, q.Sight = before, pageSize+1, viewerOf(ctx).sight
	builds, err := s.builds.Builds.List(ctx, q)
	if err != nil {
		return nil, 0, fmt.Errorf("list builds: %w", err)
	}
	if len(builds) <= pageSize {
		return builds, 0, nil
	}
	builds = builds[:pageSize]
	return builds, builds[pageSize-1].ID, nil
}

// parseID reads an ID in its one written form.
func parseID(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != id {
		return 0, database.ErrNotFound
	}
	return n, nil
}

type buildInput struct {
	ID string `path:"id" doc:"The build's id."`
}

type buildAnswer struct {
	Body api.Build
}

func (s *Server) showBuild(ctx context.Context, in *buildInput) (*buildAnswer, error) {
	b, err := s.build(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := api.NewBuild(b, s.config.ServerURL)
	if err := s.addLogs(ctx, &out, b.ID); err != nil {
		return nil, err
	}
	if out.Tests, err = s.tests.Failing(ctx, b, shownFailing); err != nil {
		return nil, err
	}
	if err := api.AddEnvironment(ctx, s.builds.Environments, &out, b); err != nil {
		return nil, err
	}
	statuses, err := s.builds.Outbox.Statuses(ctx, b.ID)
	if err != nil {
		return nil, fmt.Errorf("read the statuses of build %d: %w", b.ID, err)
	}
	out.CommitStatuses = api.NewCommitStatuses(statuses)
	out.Undelivered = api.NewUndelivered(statuses, time.Now())
	place, err := s.builds.Queue.Place(ctx, b)
	if err != nil {
		return nil, err
	}
	if place > 0 {
		out.QueuePosition = &place
	}
	return &buildAnswer{Body: out}, nil
}

// maxStepLog is where each step's text is cut off in a build's JSON: 256 KiB.
const maxStepLog = 256 << 10

func (s *Server) addLogs(ctx context.Context, out *api.Build, id int64) error {
	for step, text := range map[pipeline.StepName]*string{
		pipeline.StepClone:   &out.Logs.Clone,
		pipeline.StepPlan:    &out.Plan,
		pipeline.StepInstall: &out.Logs.Install,
		pipeline.StepLint:    &out.Logs.Lint,
		pipeline.StepTest:    &out.Logs.Test,
	} {
		log, cut, err := s.builds.Logs.StepLog(ctx, id, step, maxStepLog)
		if err != nil {
			return fmt.Errorf("read the %s log of build %d: %w", step, id, err)
		}
		*text = logtext.Valid(log, cut)
		out.LogsTruncated = out.LogsTruncated || cut
	}
	return nil
}
