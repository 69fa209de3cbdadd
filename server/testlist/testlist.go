// Package testlist answers who asks for the results of a build's tests: page by page, all in one
// document, or those alone that failed.
package testlist

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
	"vivarium/server/store/testhistory"
	"vivarium/server/store/testruns"
	"vivarium/server/web"
)

// most is how many results one page of the list holds at most.
const most = 1000

// Lists answers for the builds of one server.
type Lists struct {
	Runs *testruns.Runs
	// Histories says since which build each failing test fails.
	Histories *testhistory.Histories
	// Build finds a build that who asks may see, by the id in an address.
	Build func(ctx context.Context, id string) (pipeline.Build, error)
	// Stream begins an answer that is written while it is made.
	Stream func(hctx huma.Context, mediaType string) io.Writer
	// Finish takes how writing it ended.
	Finish func(ctx context.Context, build int64, err error)
	Base   string // the path that all addresses begin with
}

// PageInput asks for one page.
type PageInput struct {
	ID      string            `path:"id" doc:"The build's id."`
	Outcome []results.Outcome `query:"outcome" enum:"passed,failed,error,skipped,expected_failure,unexpected_success" doc:"Only results of these outcomes."`
	After   int64             `query:"after" minimum:"0" doc:"Only results after this one: the previous page's next."`
	Limit   int               `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many results at most."`
}

// Page is one page.
type Page struct {
	Link string `header:"Link" doc:"The next page (RFC 8288), when there is one."`
	Body struct {
		Counts api.TestCounts `json:"counts" doc:"Of all results, whatever was asked for."`
		Tests  []api.Test     `json:"tests" doc:"In the order in which they ended."`
		Next   string         `json:"next,omitempty" doc:"What to send as after to get the next page; absent on the last."`
	}
}

// Page gives one page of the results of a build's newest attempt.
func (l *Lists) Page(ctx context.Context, in *PageInput) (*Page, error) {
	b, err := l.Build(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	counts, _, err := l.Runs.Counts(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	limit := min(max(in.Limit, 1), most)
	list, err := l.Runs.List(ctx, b.ID, testruns.Query{After: in.After, Outcomes: in.Outcome}, limit+1)
	if err != nil {
		return nil, err
	}
	p := &Page{}
	p.Body.Counts = api.NewTestCounts(counts)
	if len(list) > limit {
		list = list[:limit]
		p.Body.Next = strconv.FormatInt(list[limit-1].Seq, 10)
		p.Link = fmt.Sprintf(`<%s%s>; rel="next"`, l.Base, path(b.ID, in, p.Body.Next))
	}
	p.Body.Tests = make([]api.Test, len(list))
	for i, r := range list {
		p.Body.Tests[i] = api.NewTest(r.Test)
	}
	return p, nil
}

func path(build int64, in *PageInput, next string) string {
	path := fmt.Sprintf("/api/v1/builds/%d/tests?limit=%d&after=%s", build, in.Limit, next)
	separator := "&outcome="
	for _, o := range in.Outcome {
		path += separator + string(o)
		separator = ","
	}
	return path
}

// DocumentInput asks for all results.
type DocumentInput struct {
	ID string `path:"id" doc:"The build's id."`
}

// JSON is all results of a build's newest attempt: an api.AllTests.
func (l *Lists) JSON(ctx context.Context, in *DocumentInput) (*huma.StreamResponse, error) {
	return l.document(ctx, in, "application/json",
		func(w io.Writer, b pipeline.Build, c testruns.Counts, each junit.Each) error {
			return api.WriteTests(w, b.ID, c, each)
		})
}

// JUnit is all results of a build's newest attempt in JUnit XML.
func (l *Lists) JUnit(ctx context.Context, in *DocumentInput) (*huma.StreamResponse, error) {
	return l.document(ctx, in, "application/xml; charset=utf-8",
		func(w io.Writer, b pipeline.Build, c testruns.Counts, each junit.Each) error {
			return junit.Write(w, junit.SuiteOf(b, c), each)
		})
}

// document answers with all results, as write writes them.
func (l *Lists) document(ctx context.Context, in *DocumentInput, mediaType string,
	write func(io.Writer, pipeline.Build, testruns.Counts, junit.Each) error) (*huma.StreamResponse, error) {
	b, err := l.Build(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	counts, _, err := l.Runs.Counts(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		l.Finish(ctx, b.ID, write(l.Stream(hctx, mediaType), b, counts, func(f func(results.Test) bool) error {
			return l.Runs.Each(ctx, b.ID, testruns.Query{}, func(r testruns.Result) bool { return f(r.Test) })
		}))
	}}, nil
}

// Failing is what the tests of a build came to, with the first red ones; nil where none were recorded.
func (l *Lists) Failing(ctx context.Context, b pipeline.Build, most int) (*api.Tests, error) {
	red, err := l.red(ctx, b, most)
	if red == nil {
		return nil, err
	}
	out := api.NewTests(red.counts, b.TestResults(), red.first)
	for i, r := range red.first {
		out.Failing[i].History = api.NewTestHistory(red.known[testhistory.KeyOf(r)])
	}
	return out, nil
}

// Shown is what a build's page says of its tests, with the first red ones; nil where none were
// recorded.
func (l *Lists) Shown(ctx context.Context, b pipeline.Build, most int) (*web.Tests, error) {
	red, err := l.red(ctx, b, most)
	if red == nil {
		return nil, err
	}
	c := red.counts
	t := &web.Tests{Summary: c.In(b.TestResults()), Total: c.Total(), Red: c.Red(), LeftOut: c.LeftOut}
	for _, r := range red.first {
		t.Failing = append(t.Failing, web.Failing{Test: r.Test, History: red.known[testhistory.KeyOf(r)].Sentence()})
	}
	return t, nil
}

// red is what is shown first of a build's tests.
type red struct {
	counts testruns.Counts
	first  []testruns.Result
	known  map[testhistory.Key]testhistory.History // of the first ones
}

// red reads it; nil where no results were recorded.
func (l *Lists) red(ctx context.Context, b pipeline.Build, most int) (*red, error) {
	counts, ok, err := l.Runs.Counts(ctx, b.ID)
	if err != nil || !ok {
		return nil, err
	}
	first, err := l.Runs.Failing(ctx, b.ID, most)
	if err != nil {
		return nil, err
	}
	known, err := l.Histories.Of(ctx, b, first)
	if err != nil {
		return nil, err
	}
	return &red{counts, first, known}, nil
}
