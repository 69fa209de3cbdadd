package junit

import (
	"encoding/xml"
	"regexp"
	"strings"

	"vivarium/pipeline/results"
)

// testCase is one result.
type testCase struct {
	XMLName xml.Name `xml:"testcase"`
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	File    string   `xml:"file,attr,omitempty"`
	Line    int      `xml:"line,attr,omitempty"`
	Skipped *verdict `xml:"skipped"`
	Error   *verdict `xml:"error"`
	Failure *verdict `xml:"failure"`
	Output  string   `xml:"system-out,omitempty"`
}

// verdict says why a test did not pass.
type verdict struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func newCase(t results.Test) testCase {
	c := testCase{Time: seconds(t.Duration), File: t.Path, Line: t.Line, Output: t.Output}
	c.Class, c.Name = split(t.ID)
	if t.Sub != "" {
		c.Name += " " + t.Sub
	}
	v := &verdict{Type: typeOf(t), Message: t.Reason, Text: t.Traceback}
	switch t.Outcome {
	case results.Failed:
		c.Failure = v
	case results.UnexpectedSuccess:
		if v.Message == "" {
			v.Message = "unexpected success"
		}
		c.Failure = v
	case results.Error:
		c.Error = v
	case results.Skipped, results.ExpectedFailure:
		c.Skipped = v
	}
	return c
}

// raised is the class at the beginning of a reason such as "json.JSONDecodeError: line 1".
var raised = regexp.MustCompile(`^[A-Za-z_][\w.]*(?:$|:)`)

// typeOf is the class of what a red test raised, else its outcome.
func typeOf(t results.Test) string {
	if t.Outcome == results.Failed || t.Outcome == results.Error {
		if class := raised.FindString(t.Reason); class != "" {
			return strings.TrimSuffix(class, ":")
		}
	}
	return string(t.Outcome)
}

// fixture is what unittest calls the preparation of a class or module that failed.
var fixture = regexp.MustCompile(`^(\w+) \((.+)\)$`)

// split takes the ID of a test apart: unittest's tests.test_a.A.test_1, or pytest's
// tests/test_a.py::A::test_1[x]. A part may be empty.
func split(id string) (class, name string) {
	if m := fixture.FindStringSubmatch(id); m != nil {
		return m[2], m[1]
	}
	head, parameters := id, ""
	if i := strings.IndexByte(id, '['); i >= 0 {
		head, parameters = id[:i], id[i:]
	}
	if i := strings.LastIndex(head, "::"); i >= 0 {
		class = strings.ReplaceAll(head[:i], "::", ".")
		return strings.ReplaceAll(strings.Replace(class, ".py", "", 1), "/", "."), head[i+2:] + parameters
	}
	if i := strings.LastIndexByte(head, '.'); i >= 0 {
		return head[:i], head[i+1:] + parameters
	}
	return "", id
}
