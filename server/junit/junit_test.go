package junit

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline/results"
	"vivarium/server/store/testruns"
)

// list is results as Write asks for them.
func list(tests ...results.Test) Each {
	return func(f func(results.Test) bool) error {
		for _, t := range tests {
			if !f(t) {
				return nil
			}
		}
		return nil
	}
}

func document(t *testing.T, s Suite, tests ...results.Test) string {
	t.Helper()
	var out strings.Builder
	if err := Write(&out, s, list(tests...)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// schema is what Jenkins' xUnit schema (junit-10.xsd) asks of the elements that are used here: the
// attributes that must be there and may be there, and the elements within, in their order.
var schema = map[string]struct{ must, may, within []string }{
	"testsuites": {
		nil, []string{"name", "time", "tests", "failures", "errors", "skipped", "timestamp"}, []string{"testsuite"},
	},
	"testsuite": {
		[]string{"name", "tests", "failures", "errors"},
		[]string{"skipped", "time", "timestamp"},
		[]string{"properties", "testcase"},
	},
	"properties": {nil, nil, []string{"property"}},
	"property":   {[]string{"name", "value"}, nil, nil},
	"testcase": {
		[]string{"name", "classname"},
		[]string{"time", "file", "line"},
		[]string{"skipped", "error", "failure", "system-out"},
	},
	"skipped":    {nil, []string{"type", "message"}, nil},
	"error":      {nil, []string{"type", "message"}, nil},
	"failure":    {nil, []string{"type", "message"}, nil},
	"system-out": {nil, nil, nil},
}

// problems are what of a document does not fit the schema, and how often each element is there.
func problems(text string) (bad []string, count map[string]int) {
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = true
	count = map[string]int{}
	type level struct {
		name string
		at   int // of its last element, in the order of within
	}
	open := []level{{name: ""}}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return bad, count
		}
		if err != nil {
			return append(bad, err.Error()), count
		}
		switch e := token.(type) {
		case xml.StartElement:
			name := e.Name.Local
			count[name]++
			rule, known := schema[name]
			parent := &open[len(open)-1]
			if at := slices.Index(schema[parent.name].within, name); !known || parent.name != "" && at < parent.at {
				bad = append(bad, fmt.Sprintf("<%s> in <%s>, or too late there", name, parent.name))
			} else {
				parent.at = at
			}
			bad = append(bad, attributeProblems(e, rule.must, rule.may)...)
			open = append(open, level{name: name})
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if text := open[len(open)-1].name; strings.TrimSpace(string(e)) != "" && len(schema[text].within) > 0 {
				bad = append(bad, fmt.Sprintf("text in <%s>: %q", text, e))
			}
		}
	}
}

func attributeProblems(e xml.StartElement, must, may []string) (bad []string) {
	var names []string
	for _, a := range e.Attr {
		names = append(names, a.Name.Local)
		if !slices.Contains(must, a.Name.Local) && !slices.Contains(may, a.Name.Local) {
			bad = append(bad, fmt.Sprintf("<%s> has %s", e.Name.Local, a.Name.Local))
		}
		switch a.Name.Local {
		case "tests", "failures", "errors", "skipped", "line":
			if n, err := strconv.Atoi(a.Value); err != nil || n < 0 {
				bad = append(bad, fmt.Sprintf("<%s>: %s is %q", e.Name.Local, a.Name.Local, a.Value))
			}
		case "time":
			if _, err := strconv.ParseFloat(a.Value, 64); err != nil {
				bad = append(bad, fmt.Sprintf("<%s>: %s is %q", e.Name.Local, a.Name.Local, a.Value))
			}
		case "timestamp":
			if _, err := time.Parse("2006-01-02T15:04:05", a.Value); err != nil {
				bad = append(bad, err.Error())
			}
		}
	}
	for _, name := range must {
		if !slices.Contains(names, name) {
			bad = append(bad, fmt.Sprintf("<%s> has no %s", e.Name.Local, name))
		}
	}
	return bad
}

func TestDocumentFitsTheSchema(t *testing.T) {
	suite := Suite{
		Name:    "octo/hello",
		Build:   12,
		Started: time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC),
		Took:    3 * time.Second,
		Counts: testruns.Counts{LeftOut: 7, Counts: results.Counts{
			Passed: 1, Failed: 1, Errors: 1, Skipped: 1, ExpectedFailures: 1, UnexpectedSuccesses: 1,
		}},
	}
	text := document(t, suite,
		results.Test{ID: "tests.test_a.A.test_1", Outcome: results.Passed, Duration: time.Millisecond},
		results.Test{
			ID: "tests.test_a.A.test_2", Sub: "(i=3)", Outcome: results.Failed, Reason: "AssertionError: 90 != 100",
			Traceback: "Traceback …\n", Output: "printed", Path: "tests/test_a.py", Line: 31,
		},
		results.Test{ID: "setUpClass (tests.test_a.B)", Outcome: results.Error, Reason: "OSError"},
		results.Test{ID: "tests/test_b.py::C::test_3[a.b-::]", Outcome: results.Skipped, Reason: "no display"},
		results.Test{ID: "alone", Outcome: results.ExpectedFailure},
		results.Test{ID: "tests.test_a.A.test_6", Outcome: results.UnexpectedSuccess},
	)
	bad, count := problems(text)
	for _, b := range bad {
		t.Error(b)
	}
	if count["testcase"] != 6 || count["failure"] != 2 || count["error"] != 1 || count["skipped"] != 2 {
		t.Errorf("got %v", count)
	}
	for _, part := range []string{
		`<testsuite name="octo/hello" tests="6" failures="2" errors="1" skipped="2" time="3.000000" ` +
			`timestamp="2026-12-01T18:00:00">`,
		`<property name="build" value="12"/>`,
		`<property name="left_out" value="7"/>`,
		`<testcase classname="tests.test_a.A" name="test_1" time="0.001000"></testcase>`,
		`<testcase classname="tests.test_a.A" name="test_2 (i=3)" time="0.000000" file="tests/test_a.py" line="31">` +
			`<failure type="AssertionError" message="AssertionError: 90 != 100">Traceback …&#xA;</failure>` +
			`<system-out>printed</system-out></testcase>`,
		`<testcase classname="tests.test_a.B" name="setUpClass" time="0.000000"><error type="OSError" message="OSError">`,
		`<testcase classname="tests.test_b.C" name="test_3[a.b-::]"`,
		`<testcase classname="" name="alone"`,
		`<failure type="unexpected_success" message="unexpected success">`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%s\nis not in\n%s", part, text)
		}
	}
}

// TestSchemaIsHeld is the control: what does not fit is seen.
func TestSchemaIsHeld(t *testing.T) {
	for _, text := range []string{
		`<testsuite tests="0" failures="0" errors="0"></testsuite>`,
		`<testsuite name="x" tests="many" failures="0" errors="0"></testsuite>`,
		`<testcase name="x" classname="y"><failure/><error/></testcase>`,
		`<testcase name="x" classname="y"><bad/></testcase>`,
		`<testcase name="x" classname="y">text</testcase>`,
		"<testcase name=\"\x01\" classname=\"y\"></testcase>",
		`<testcase name="x">`,
	} {
		if bad, _ := problems(text); len(bad) == 0 {
			t.Errorf("%s passes", text)
		}
	}
}

func FuzzDocumentIsXMLWhateverTestsPrint(f *testing.F) {
	f.Add("a\x00\x01\x1b[31m", "]]>", "\xff\xfe", "<&\"'>\r\n\t", "\ufffe\U0010ffff")
	f.Fuzz(func(t *testing.T, id, sub, reason, traceback, output string) {
		text := document(t, Suite{Name: id}, results.Test{
			ID: id, Sub: sub, Outcome: results.Failed, Reason: reason, Traceback: traceback, Output: output, Path: sub,
		})
		if bad, count := problems(text); len(bad) > 0 || count["testcase"] != 1 || count["failure"] != 1 {
			t.Errorf("%q: %v, %v", text, bad, count)
		}
	})
}

func TestErrorOfEitherSideIsTold(t *testing.T) {
	broken := errors.New("the database is away")
	err := Write(io.Discard, Suite{}, func(func(results.Test) bool) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	r, w := io.Pipe()
	r.CloseWithError(broken)
	if err := Write(w, Suite{}, list(make([]results.Test, 1000)...)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
