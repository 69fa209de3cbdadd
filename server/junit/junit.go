// Package junit writes the results of a build's tests as JUnit XML, as tools that show tests read it.
//
// There is no one standard. What is written fits the schema of Jenkins' xUnit plug-in, which most
// tools follow: one test suite, with a test case for each result.
package junit

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"time"

	"vivarium/pipeline"
	"vivarium/pipeline/results"
	"vivarium/server/store/testruns"
)

// Suite is what is said of all tests together.
type Suite struct {
	Name    string // the repository's
	Build   int64
	Started time.Time // zero where it is not known
	Took    time.Duration
	testruns.Counts
}

// SuiteOf is the suite of a build with these results.
func SuiteOf(b pipeline.Build, c testruns.Counts) Suite {
	s := Suite{Name: b.Repo.FullName, Build: b.ID, Counts: c}
	for _, st := range b.Steps {
		if st.Name == pipeline.StepTest && !st.StartedAt.IsZero() {
			s.Started = st.StartedAt
			s.Took = max(st.EndedAt.Sub(st.StartedAt), 0)
		}
	}
	return s
}

// Each calls a function with each result, until it returns false.
type Each func(func(results.Test) bool) error

// Write writes a document. Results come one by one, so that any number takes little memory.
func Write(w io.Writer, s Suite, each Each) error {
	out := bufio.NewWriterSize(w, 64<<10) // keeps its first error, which Flush returns
	out.WriteString(xml.Header)
	for _, element := range []string{"testsuites", "testsuite"} {
		openTag(out, element, s.attributes())
	}
	s.properties(out)
	enc := xml.NewEncoder(out)
	var failed error
	err := each(func(t results.Test) bool {
		failed = enc.Encode(newCase(t))
		out.WriteByte('\n')
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("write JUnit XML: %w", err)
	}
	out.WriteString("</testsuite>\n</testsuites>\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write JUnit XML: %w", err)
	}
	return nil
}

// attributes are names and values in turn.
func (s Suite) attributes() []string {
	list := []string{
		"name", s.Name,
		"tests", strconv.Itoa(s.Total()),
		"failures", strconv.Itoa(s.Failed + s.UnexpectedSuccesses),
		"errors", strconv.Itoa(s.Errors),
		"skipped", strconv.Itoa(s.Skipped + s.ExpectedFailures),
		"time", seconds(s.Took),
	}
	if !s.Started.IsZero() {
		list = append(list, "timestamp", s.Started.UTC().Format("2006-01-02T15:04:05"))
	}
	return list
}

// properties say what has no place of its own.
func (s Suite) properties(out *bufio.Writer) {
	out.WriteString("<properties>\n")
	openTag(out, "property", []string{"name", "build", "value", strconv.FormatInt(s.Build, 10)}, "/")
	if s.LeftOut > 0 { // counted above, and not among the test cases
		openTag(out, "property", []string{"name", "left_out", "value", strconv.Itoa(s.LeftOut)}, "/")
	}
	out.WriteString("</properties>\n")
}

// openTag writes a tag with attributes; end is "/" for one without content.
func openTag(out *bufio.Writer, element string, attributes []string, end ...string) {
	out.WriteString("<" + element)
	for i := 0; i+1 < len(attributes); i += 2 {
		out.WriteString(" " + attributes[i] + `="`)
		_ = xml.EscapeText(out, []byte(attributes[i+1])) // an error stays in out
		out.WriteString(`"`)
	}
	for _, e := range end {
		out.WriteString(e)
	}
	out.WriteString(">\n")
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }
