package server

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
	"vivarium/server/api"
)

// failures are the failing tests of a build that tested makes.
var failures = []results.Test{
	{
		ID: "tests.test_cart.TotalTest.test_discount", Outcome: results.Failed, Reason: "AssertionError: 90 != 100",
		Path: "tests/test_cart.py", Line: 31, Traceback: "Traceback …\nAssertionError: 90 != 100\n",
	},
	{
		ID: "tests.test_cart.TotalTest.test_tax", Sub: "(rate=0.19)", Outcome: results.Failed,
		Reason: "AssertionError: '119.00' != '119'", Path: "tests/test_cart.py", Line: 44, Again: results.Flaky,
	},
	{
		ID: "tests.test_stock.StockTest.test_<b>empty</b>", Outcome: results.Error, Reason: "KeyError: 'sku'",
		Path: "shop/stock.py", Line: 12, Again: results.Order, After: "tests.test_stock.StockTest.test_fill",
	},
}

// tested is a build of which so many tests were run, the failing ones of which are evenly among them.
// Each says its verdict in a line of the log.
func (s *site) tested(n int) int64 {
	s.t.Helper()
	return s.testedBy(s.work(), n)
}

func (s *site) testedBy(sc *script, n int) int64 {
	s.t.Helper()
	id := s.push("o/n", false)
	sc.act(func(ctx context.Context, rec pipeline.Recorder) (*pipeline.Outcome, error) {
		begin := pipeline.Step{Name: pipeline.StepTest, StartedAt: time.Now(), Command: "python -m unittest -v"}
		if err := rec.StepStarted(ctx, begin); err != nil {
			return nil, err
		}
		red := 0
		for i := range n {
			t := results.Test{ID: fmt.Sprintf("tests.test_many.Many.test_%05d", i), Outcome: results.Passed}
			if red < len(failures) && i == (red+1)*n/(len(failures)+1) {
				t = failures[red]
				red++
			}
			t.Duration = time.Millisecond
			line := fmt.Sprintf("%s ... %s\n", t.ID, t.Outcome)
			err := errors.Join(rec.Output(ctx, pipeline.StepTest, pipeline.Stdout, []byte(line)),
				rec.Tests(ctx, pipeline.StepTest, []results.Test{t}))
			if err != nil {
				return nil, err
			}
		}
		end := begin
		end.State, end.Cause, end.EndedAt = pipeline.StepFailed, pipeline.CauseTests, time.Now()
		end.Results = results.Summary{
			Counts: results.Counts{Passed: n - red, Failed: 2, Errors: 1}, Seed: "0", Unreached: []string{"tests.test_z"},
		}
		return nil, rec.StepEnded(ctx, end)
	})
	sc.end(pipeline.Outcome{
		State: pipeline.Failed, Cause: pipeline.CauseTests,
		Summary: fmt.Sprintf("tests.test_cart.TotalTest.test_discount: 90 != 100 (test_cart.py:31), and 2 more of %d", n),
	})
	s.ended(id)
	return id
}

func TestBuildTellsItsFailingTests(t *testing.T) {
	s := newSite(t)
	id := s.tested(120)
	var b api.Build
	a := s.get(buildPath(id))
	if err := json.Unmarshal([]byte(a.body), &b); err != nil || b.Tests == nil {
		t.Fatalf("answered %d %s: %v", a.code, a.body, err)
	}
	if b.Tests.Total != 120 || b.Tests.Passed != 117 || b.Tests.Failed != 2 || b.Tests.Errors != 1 ||
		b.Tests.Seed != "0" ||
		len(b.Tests.Unreached) != 1 || len(b.Tests.Failing) != 3 {
		t.Errorf("tests = %+v", b.Tests)
	}
	raw := strings.Split(s.get(buildPath(id)+"/raw").body, "\n")
	for i, f := range b.Tests.Failing {
		want := api.NewTest(failures[i])
		want.Traceback, want.Seconds, want.LogLine = "", 0.001, f.LogLine
		if fmt.Sprint(f) != fmt.Sprint(want) {
			t.Errorf("got  %+v\nwant %+v", f, want)
		}
		if f.LogLine < 1 || !strings.HasPrefix(raw[f.LogLine-1], f.ID+" ...") {
			t.Errorf("%s is said to stand in line %d", f.ID, f.LogLine)
		}
	}
}

func TestFailingTestSaysSinceWhenItFails(t *testing.T) {
	s := newSite(t)
	sc := s.work()
	first := s.testedBy(sc, 8)
	second := s.testedBy(sc, 8)
	var b api.Build
	if err := json.Unmarshal([]byte(s.get(buildPath(second)).body), &b); err != nil {
		t.Fatal(err)
	}
	for _, f := range b.Tests.Failing {
		if f.History == nil || *f.History != (api.TestHistory{Since: fmt.Sprint(first)}) {
			t.Errorf("%s: %+v, want it to fail since build %d", f.ID, f.History, first)
		}
	}
	sentence := fmt.Sprintf("Failing since build %d.", first)
	if page := s.get(buildPath(second), browser).body; strings.Count(page, sentence) != len(failures) {
		t.Errorf("the page says %q %d times, want %d", sentence, strings.Count(page, sentence), len(failures))
	}
	if page := s.get(buildPath(first), browser).body; strings.Contains(page, "Failing since") {
		t.Error("the first build ever has a history")
	}
}

func TestBuildWithoutResultsSaysSo(t *testing.T) {
	s := newSite(t)
	id := s.built("o/n", false)
	if tests, there := s.get(buildPath(id)).json(t)["tests"]; tests != nil || !there {
		t.Errorf("tests = %v (there: %v), want null", tests, there)
	}
	if a := s.get(buildPath(id) + "/tests.json"); a.code != 200 || fmt.Sprint(a.json(t)["tests"]) != "[]" {
		t.Errorf("tests.json answered %d %s", a.code, a.body)
	}
	if a := s.get(buildPath(id) + "/junit.xml"); a.code != 200 || !strings.Contains(a.body, `tests="0"`) {
		t.Errorf("junit.xml answered %d %s", a.code, a.body)
	}
	if a := s.get(buildPath(id+1) + "/junit.xml"); a.code != 404 {
		t.Errorf("of no build: %d %s", a.code, a.body)
	}
}

func TestTestsAreListedPageByPage(t *testing.T) {
	s := newSite(t)
	id := s.tested(120)
	path := fmt.Sprintf("/api/v1/builds/%d/tests", id)
	type page struct {
		Counts api.TestCounts
		Tests  []api.Test
		Next   string
	}
	read := func(path string) (p page, link string) {
		t.Helper()
		a := s.get(path)
		if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.code != 200 {
			t.Fatalf("GET %s answered %d %s", path, a.code, a.body)
		}
		return p, a.header.Get("Link")
	}
	var ids []string
	for next, pages := path+"?limit=50", 1; next != ""; pages++ {
		p, link := read(next)
		if p.Counts.Total != 120 || pages > 3 {
			t.Fatalf("page %d counts %+v", pages, p.Counts)
		}
		for _, one := range p.Tests {
			ids = append(ids, one.ID)
		}
		next = strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
		if (next == "") != (p.Next == "") {
			t.Errorf("next is %q, and the link %q", p.Next, link)
		}
	}
	if len(ids) != 120 || ids[30] != failures[0].ID || ids[119] != "tests.test_many.Many.test_00119" {
		t.Errorf("the pages hold %d tests", len(ids))
	}
	red, link := read(path + "?outcome=failed,error&limit=2")
	if len(red.Tests) != 2 || red.Tests[0].Traceback != failures[0].Traceback ||
		!strings.Contains(link, "outcome=failed,error") {
		t.Errorf("the red ones are %+v, link %s", red, link)
	}
	if red, link = read(strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)); len(red.Tests) != 1 ||
		red.Tests[0].ID != failures[2].ID || link != "" {
		t.Errorf("the last red one is %+v, link %s", red, link)
	}
	for _, bad := range []string{"?outcome=red", "?limit=0", "?limit=1001", "?after=-1"} {
		if a := s.get(path + bad); a.code != 400 {
			t.Errorf("%s answered %d %s", bad, a.code, a.body)
		}
	}
}

func TestDocumentsOfTestsAreWhole(t *testing.T) {
	s := newSite(t)
	const n = 20_000
	id := s.tested(n)
	started := time.Now()
	a := s.get(buildPath(id) + "/tests.json")
	var all api.AllTests
	if err := json.Unmarshal([]byte(a.body), &all); err != nil || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("answered %d %.300s: %v", a.code, a.body, err)
	}
	if len(all.Tests) != n || all.Counts.Total != n || all.Build != fmt.Sprint(id) ||
		all.Tests[n-1].ID != "tests.test_many.Many.test_19999" {
		t.Errorf("it holds %d tests, and counts %+v", len(all.Tests), all.Counts)
	}
	a = s.get(buildPath(id) + "/junit.xml")
	var suites struct {
		Suite struct {
			Name  string `xml:"name,attr"`
			Tests int    `xml:"tests,attr"`
			Cases []struct {
				Class string `xml:"classname,attr"`
				Name  string `xml:"name,attr"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(a.body), &suites); err != nil ||
		!strings.HasPrefix(a.header.Get("Content-Type"), "application/xml") {
		t.Fatalf("answered %d %.300s: %v", a.code, a.body, err)
	}
	if suites.Suite.Name != "o/n" || suites.Suite.Tests != n || len(suites.Suite.Cases) != n ||
		suites.Suite.Cases[n*3/4].Name != "test_<b>empty</b>" {
		t.Errorf("it holds %d test cases, and counts %d", len(suites.Suite.Cases), suites.Suite.Tests)
	}
	t.Logf("both documents took %s", time.Since(started))
}
