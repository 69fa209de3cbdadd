package api

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"vivarium/pipeline/results"
	"vivarium/server/store/testhistory"
	"vivarium/server/store/testruns"
)

// TestCounts are how many results of tests there are.
type TestCounts struct {
	Total               int `json:"total" doc:"Results; a test has several where its subtests fail."`
	Passed              int `json:"passed"`
	Failed              int `json:"failed" doc:"An assertion did not hold."`
	Errors              int `json:"errors" doc:"It raised something else, or could not be begun."`
	Skipped             int `json:"skipped"`
	ExpectedFailures    int `json:"expected_failures"`
	UnexpectedSuccesses int `json:"unexpected_successes" doc:"It passed, and a failure was expected. This is red."`
	LeftOut             int `json:"left_out" doc:"Counted above and not kept, since there were too many."`
}

// NewTestCounts gives counts in JSON.
func NewTestCounts(c testruns.Counts) TestCounts {
	return TestCounts{
		Total: c.Total(), Passed: c.Passed, Failed: c.Failed, Errors: c.Errors, Skipped: c.Skipped,
		ExpectedFailures: c.ExpectedFailures, UnexpectedSuccesses: c.UnexpectedSuccesses, LeftOut: c.LeftOut,
	}
}

// Tests is what the tests of a build came to, with the first of those that failed.
type Tests struct {
	TestCounts
	Tampered   bool     `json:"tampered" doc:"Tests of ours among them ended wrongly: nothing here counts."`
	Hung       string   `json:"hung" doc:"The test whose time was up, or empty."`
	Crashed    string   `json:"crashed" doc:"The test that ran when its process ended, or empty."`
	NotReached int      `json:"not_reached" doc:"How many tests were found and did not run."`
	Unreached  []string `json:"unreached" doc:"The first 100 of these."`
	Seed       string   `json:"seed" doc:"PYTHONHASHSEED of the run; empty where it is not known."`
	Failing    []Test   `json:"failing" doc:"The first 20 red results; the route of all tests has the others."`
}

// NewTests gives what tests came to in JSON, with the red results that are shown.
func NewTests(c testruns.Counts, s results.Summary, failing []testruns.Result) *Tests {
	out := &Tests{
		TestCounts: NewTestCounts(c), Tampered: s.Tampered, Hung: s.Hung, Crashed: s.Crashed,
		NotReached: s.NotReached, Unreached: append([]string{}, s.Unreached...), Seed: s.Seed,
		Failing: make([]Test, len(failing)),
	}
	for i, r := range failing {
		out.Failing[i] = NewTest(r.Test)
		out.Failing[i].Traceback, out.Failing[i].Output = "", ""
	}
	return out
}

// Test is one test's result in JSON.
type Test struct {
	ID        string          `json:"id" example:"tests.test_cart.TotalTest.test_discount"`
	Sub       string          `json:"sub,omitempty" example:"(i=3)" doc:"A subtest's parameters."`
	Outcome   results.Outcome `json:"outcome" enum:"passed,failed,error,skipped,expected_failure,unexpected_success"`
	Seconds   float64         `json:"seconds" doc:"How long it took."`
	Reason    string          `json:"reason,omitempty" doc:"One line: why it was skipped, or what it raised."`
	Traceback string          `json:"traceback,omitempty"`
	Output    string          `json:"output,omitempty" doc:"What it printed, where its program kept that apart."`
	Path      string          `json:"path,omitempty" doc:"From the repository's root."`
	Line      int             `json:"line,omitempty" doc:"From 1."`
	Asked     []Asked         `json:"asked,omitempty" doc:"What it asked for and did not get."`
	LogLine   int64           `json:"log_line,omitempty" doc:"The line of the raw log where its verdict stands, from 1."`
	Again     results.Again   `json:"again,omitempty" enum:"always,flaky,order" doc:"What trying it again showed."`
	After     string          `json:"after,omitempty" doc:"With order: the test after which it fails."`
	History   *TestHistory    `json:"history,omitempty" doc:"What earlier builds say of it, with a build's failing tests."`
}

// TestHistory is what other builds say of a failing test.
type TestHistory struct {
	Since  string `json:"failing_since,omitempty" doc:"The first build of its branch since which it fails without a break."`
	New    bool   `json:"new" doc:"Whether it did not fail in the build before."`
	Passed string `json:"passed_in,omitempty" doc:"A build of the same commit in which it passed."`
	Flaky  bool   `json:"flaky" doc:"Whether passed_in ran with the same image and packages, so that nothing known tells the two builds apart."`
}

// NewTestHistory gives a history in JSON, or nil where nothing is known.
func NewTestHistory(h testhistory.History) *TestHistory {
	if h == (testhistory.History{}) {
		return nil
	}
	out := &TestHistory{New: h.New, Flaky: h.Flaky}
	if h.Since != 0 {
		out.Since = strconv.FormatInt(h.Since, 10)
	}
	if h.Passed != 0 {
		out.Passed = strconv.FormatInt(h.Passed, 10)
	}
	return out
}

// Asked is something that a test asked for and did not get.
type Asked struct {
	Kind string `json:"kind" enum:"host,program,file,variable,module"`
	Name string `json:"name"`
}

// NewTest gives a result in JSON.
func NewTest(t results.Test) Test {
	out := Test{
		ID: t.ID, Sub: t.Sub, Outcome: t.Outcome, Seconds: t.Duration.Seconds(), Reason: t.Reason,
		Traceback: t.Traceback, Output: t.Output, Path: t.Path, Line: t.Line, LogLine: t.At, Again: t.Again, After: t.After,
	}
	for _, a := range t.Asked {
		out.Asked = append(out.Asked, Asked(a))
	}
	return out
}

// AllTests is a build's results in one document. WriteTests writes it; it says what that looks like.
type AllTests struct {
	Build  string     `json:"build" doc:"The build's id."`
	Counts TestCounts `json:"counts"`
	Tests  []Test     `json:"tests" doc:"In the order in which they ended."`
}

// WriteTests writes an AllTests. Results come one by one, so that any number takes little memory.
func WriteTests(w io.Writer, build int64, c testruns.Counts, each func(func(results.Test) bool) error) error {
	counts, err := json.Marshal(NewTestCounts(c))
	if err != nil {
		return fmt.Errorf("write counts of tests: %w", err)
	}
	out := bufio.NewWriterSize(w, 64<<10) // keeps its first error, which Flush returns
	fmt.Fprintf(out, `{"build":%q,"counts":%s,"tests":[`, strconv.FormatInt(build, 10), counts)
	separator := "\n"
	var failed error
	err = each(func(t results.Test) bool {
		line, err := json.Marshal(NewTest(t))
		out.WriteString(separator)
		separator = ",\n"
		if _, writing := out.Write(line); err == nil {
			err = writing
		}
		failed = err
		return err == nil
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("write results of tests: %w", err)
	}
	out.WriteString("\n]}\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write results of tests: %w", err)
	}
	return nil
}
