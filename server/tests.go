package server

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
	"vivarium/server/api"
	"vivarium/server/junit"
	"vivarium/server/store/testruns"
)

// maxTests is how many results of tests one page of the list holds.
const maxTests = 1000

// shownFailing is how many failing tests stand on a build's page and in its JSON.
const shownFailing = 20

type testsInput struct {
	ID      string            `path:"id" doc:"The build's id."`
	Outcome []results.Outcome `query:"outcome" enum:"passed,failed,error,skipped,expected_failure,unexpected_success" doc:"Only results of these outcomes."`
	After   int64             `query:"after" minimum:"0" doc:"Only results after this one: the previous page's next."`
	Limit   int               `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many results at most."`
}

type testsAnswer struct {
	Link string `header:"Link" doc:"The next page (RFC 8288), when there is one."`
	Body struct {
		Counts api.TestCounts `json:"counts" doc:"Of all results, whatever was asked for."`
		Tests  []api.Test     `json:"tests" doc:"In the order in which they ended."`
		Next   string         `json:"next,omitempty" doc:"What to send as after to get the next page; absent on the last."`
	}
}

// listTests gives one page of the results of a build's newest attempt.
func (s *Server) listTests(ctx context.Context, in *testsInput) (*testsAnswer, error) {
	b, err := s.build(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	counts, _, err := s.builds.Tests.Counts(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	list, err := s.builds.Tests.List(ctx, b.ID, testruns.Query{After: in.After, Outcomes: in.Outcome}, in.Limit+1)
	if err != nil {
		return nil, err
	}
	a := &testsAnswer{}
	a.Body.Counts = api.NewTestCounts(counts)
	if len(list) > in.Limit {
		list = list[:in.Limit]
		a.Body.Next = strconv.FormatInt(list[in.Limit-1].Seq, 10)
		a.Link = fmt.Sprintf(`<%s%s>; rel="next"`, s.base, testsPath(b.ID, in, a.Body.Next))
	}
	a.Body.Tests = make([]api.Test, len(list))
	for i, r := range list {
		a.Body.Tests[i] = api.NewTest(r.Test)
	}
	return a, nil
}

func testsPath(build int64, in *testsInput, next string) string {
	path := fmt.Sprintf("/api/v1/builds/%d/tests?limit=%d&after=%s", build, in.Limit, next)
	for i, o := range in.Outcome {
		if i == 0 {
			path += "&outcome=" + string(o)
		} else {
			path += "," + string(o)
		}
	}
	return path
}

// testsDocument is all results of a build in JSON.
func (s *Server) testsDocument(ctx context.Context, in *buildInput) (*huma.StreamResponse, error) {
	return s.allTests(ctx, in, "application/json",
		func(w io.Writer, b pipeline.Build, c testruns.Counts, each junit.Each) error {
			return api.WriteTests(w, b.ID, c, each)
		})
}

// junitDocument is all results of a build in JUnit XML.
func (s *Server) junitDocument(ctx context.Context, in *buildInput) (*huma.StreamResponse, error) {
	return s.allTests(ctx, in, "application/xml; charset=utf-8",
		func(w io.Writer, b pipeline.Build, c testruns.Counts, each junit.Each) error {
			return junit.Write(w, junit.SuiteOf(b, c), each)
		})
}

// allTests answers with a document of all results, as write makes it.
func (s *Server) allTests(ctx context.Context, in *buildInput, mediaType string,
	write func(io.Writer, pipeline.Build, testruns.Counts, junit.Each) error) (*huma.StreamResponse, error) {
	b, err := s.build(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	counts, _, err := s.builds.Tests.Counts(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		c := unwrap(hctx)
		c.Response().Header().Set("Content-Type", mediaType)
		out := newStream(c.Response())
		s.finish(ctx, b.ID, write(out, b, counts, func(f func(results.Test) bool) error {
			return s.builds.Tests.Each(ctx, b.ID, testruns.Query{}, func(r testruns.Result) bool { return f(r.Test) })
		}))
	}}, nil
}

// addTests puts what the tests of a build came to into its JSON.
func (s *Server) addTests(ctx context.Context, out *api.Build, b pipeline.Build) error {
	counts, ok, err := s.builds.Tests.Counts(ctx, b.ID)
	if err != nil || !ok {
		return err
	}
	failing, err := s.builds.Tests.Failing(ctx, b.ID, shownFailing)
	if err != nil {
		return err
	}
	out.Tests = api.NewTests(counts, resultsOf(b), failing)
	return nil
}

// resultsOf is what the tests of a build came to, as its step tells once it has ended.
func resultsOf(b pipeline.Build) results.Summary {
	for _, st := range b.Steps {
		if st.Name == pipeline.StepTest {
			return st.Results
		}
	}
	return results.Summary{}
}
