package findings

import (
	"regexp"
	"strconv"
	"strings"

	"vivarium/pipeline/lines"
	"vivarium/pipeline/reason"
)

// Unittest reads the failures that unittest prints at the end of a run. The zero value is ready.
type Unittest struct {
	Root string // where the checkout stands in the sandbox: paths are relative to it

	list    List
	lines   lines.Cutter
	ruled   bool // the line before was the rule that comes before a failure's header
	reading bool // the failure below is being read
	failure Finding
	trace   bool   // in a traceback, whose lines are indented
	text    []byte // of its tracebacks
	source  string // the line of code at the traceback's last place
	placed  bool   // that place is in the checkout, and its line of code comes next
}

var (
	doubleRule = strings.Repeat("=", 70) // unittest.TextTestResult.separator1
	// header begins a failure. After it come the module's path and what names a subtest.
	header = regexp.MustCompile(`^(FAIL|ERROR|UNEXPECTED SUCCESS): (\S+) \(([^\s()]+)\)`)
	ran    = regexp.MustCompile(`^Ran \d+ tests? in `)
	frame  = regexp.MustCompile(`^  File "([^"]+)", line (\d+)`)
	// exception is the last line of a traceback: a class, with its message where there is one.
	exception = regexp.MustCompile(`^([A-Za-z_][\w.]*)(?:: (.*))?$`)
)

// maxTrace bounds what is kept of a traceback, in bytes.
const maxTrace = 8000

const tracebackHead = "Traceback (most recent call last):"

// Write takes the next piece of output. It never fails.
func (u *Unittest) Write(p []byte) (int, error) {
	u.lines.Each(p, u.line)
	return len(p), nil
}

// List is what was read so far. The last failure counts only once the run's end was read.
func (u *Unittest) List() List { return u.list }

func (u *Unittest) line(s string) {
	switch {
	case s == doubleRule, ran.MatchString(s):
		u.end()
		u.ruled = s == doubleRule
		return
	case u.ruled:
		u.begin(s)
	case !u.reading:
	case s == tracebackHead:
		u.trace, u.placed = true, false
	case u.trace:
		u.inTraceback(s)
	}
	u.ruled = false
}

func (u *Unittest) begin(s string) {
	if m := header.FindStringSubmatch(s); m != nil {
		u.reading, u.failure, u.source = true, Finding{Test: testID(m[2], m[3])}, ""
		u.text = u.text[:0]
		if m[1] == "UNEXPECTED SUCCESS" {
			u.failure.Text = "it passed, and a failure was expected"
		}
	}
}

// testID is the test's whole name. Before Python 3.11 the header holds only the class, and for a
// module that cannot be imported only the name of a stand-in.
func testID(name, in string) string {
	const standIn = "unittest.loader._FailedTest"
	if in == standIn {
		return name
	}
	if module, ok := strings.CutPrefix(in, standIn+"."); ok {
		return module
	}
	if in == name || strings.HasSuffix(in, "."+name) {
		return in
	}
	return in + "." + name
}

func (u *Unittest) inTraceback(s string) {
	if len(u.text) < maxTrace {
		u.text = append(append(u.text, s...), '\n')
	}
	m := frame.FindStringSubmatch(s)
	switch {
	case m != nil:
		u.placed = u.place(m[1], m[2])
	case u.placed && strings.HasPrefix(s, "    "):
		u.source, u.placed = strings.TrimSpace(s), false
	case s != "" && !strings.HasPrefix(s, " "):
		u.trace = false
		u.raised(s)
	}
}

// place keeps a frame's place if it is in the checkout. The last such frame counts: the author
// looks there first.
func (u *Unittest) place(file, line string) bool {
	below, ok := strings.CutPrefix(file, u.Root+"/")
	if ok {
		u.failure.Path = below
		u.failure.Line, _ = strconv.Atoi(line)
	}
	return ok
}

// raised keeps the exception. Of several that caused each other the last one counts, as for Python.
func (u *Unittest) raised(s string) {
	m := exception.FindStringSubmatch(s)
	if m == nil {
		return
	}
	class, message := m[1], m[2]
	if class == "AssertionError" && message == "None" { // self.fail() without a message
		message = ""
	}
	u.failure.Code = class
	switch {
	case class == "AssertionError" && message == "" && u.source != "":
		u.failure.Text = u.source // the line says what was asserted
	case class == "AssertionError" && message != "", class == "ModuleNotFoundError" && message != "":
		u.failure.Text = message // the message says everything
	default:
		u.failure.Text = strings.TrimSuffix(class+": "+message, ": ")
	}
}

func (u *Unittest) end() {
	if u.reading {
		u.list.AddWith(u.failure, reason.Evidence{Trace: string(u.text)})
	}
	u.reading, u.trace = false, false
}
