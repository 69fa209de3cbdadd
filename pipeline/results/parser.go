package results

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds on what is kept of one run. The stream is a repository's word.
const (
	maxLine    = 64 << 10 // bytes of a record
	maxTests   = 200_000  // tests that are told of
	maxID      = 1000     // bytes of a test's name
	maxReason  = 1000
	maxText    = 20 << 10 // of a traceback or of captured output
	maxRed     = 1 << 20  // bytes of the texts of one run's tests, after which they come without
	maxAsked   = 8        // of one test
	maxPending = 64       // tests that run at a time, such as those of pytest-xdist
	maxPlanned = 16 << 20 // bytes of the names of tests that were found
	maxReached = 32 << 20 // of those that ran: these must have room for all that were found, and more
	maxDots    = 50       // in the name of a class, and of the packages that it is in
)

// record is one line of the stream. Its members have one name in all events.
type record struct {
	Event   string   `json:"e"`
	ID      string   `json:"id"`
	Sub     string   `json:"sub"`
	Outcome Outcome  `json:"o"`
	Seconds float64  `json:"d"`
	Why     string   `json:"why"`
	Trace   string   `json:"tb"`
	Out     string   `json:"out"`
	Path    string   `json:"path"`
	Line    int      `json:"line"`
	Kind    string   `json:"kind"`
	Name    string   `json:"name"`
	Program string   `json:"program"`
	Python  string   `json:"python"`
	Seed    string   `json:"seed"`
	In      string   `json:"in"`
	Tests   []string `json:"tests"`
	Passes  string   `json:"passes"`
	Fails   string   `json:"fails"`
	Stopped string   `json:"stopped"`
	Ran     int      `json:"ran"`
}

// Parser reads the report stream of one run of tests.
type Parser struct {
	Root  string // where the checkout stands in the sandbox: paths are relative to it
	Below string // put before each test's name

	partial []byte
	long    bool // the line that is being read is too long

	run     Run
	running []string // tests that were started and did not end, in order
	asked   map[string][]Asked
	reached map[string]bool
	planned []string
	cut     bool            // there were more planned than are kept
	covered map[string]bool // what class or module a failed or skipped fixture kept from running
	told    int

	texts, plannedBytes, reachedBytes int // so far
}

// Run is what the stream tells of a run as a whole.
type Run struct {
	Begun   bool   // a program that reports was there
	Program string // that of the first record
	Done    bool   // it came to its end
	Stopped string // why it ended before its last test; empty when it did not
	Python  string // the version of the interpreter
	Ran     int    // tests that it began, by its own count
	Planned int    // tests that it found
	canary  bool   // the tests of ours were told of
	Summary Summary
}

// Reported says whether the run's results are known. A program of the repository's own may run its
// tests in a way that is not reported.
func (r Run) Reported() bool {
	return r.Begun && (r.Program != "script" || r.Done || r.Planned > 0)
}

// Write takes the next piece of the stream, which may end anywhere, and returns the results that it
// completes. Whatever it holds, what is returned is bounded.
func (p *Parser) Write(b []byte) []Test {
	var tests []Test
	for {
		text, rest, ended := bytes.Cut(b, []byte("\n"))
		if len(p.partial)+len(text) > maxLine {
			p.long, p.partial = true, p.partial[:0]
		}
		if !p.long {
			p.partial = append(p.partial, text...)
		}
		if !ended {
			return tests
		}
		if !p.long {
			tests = p.line(tests, p.partial)
		}
		p.long, p.partial, b = false, p.partial[:0], rest
	}
}

func (p *Parser) line(tests []Test, line []byte) []Test {
	r, short := shortRecord(line)
	if !short && json.Unmarshal(line, &r) != nil {
		return tests
	}
	switch r.Event {
	case "begin":
		p.run.Begun, p.run.Program, p.run.Python = true, bounded(r.Program, 20), bounded(r.Python, 20)
		p.run.Summary.Seed = bounded(r.Seed, 20)
	case "plan":
		p.plan(r)
	case "start":
		p.start(p.name(r.ID))
	case "asked":
		p.ask(r)
	case "end", "sub":
		return p.end(tests, r)
	case "canary":
		p.run.canary = true
		if r.Passes != string(Passed) || r.Fails != string(Failed) {
			p.run.Summary.Tampered = true
		}
	case "done":
		p.run.Done, p.run.Ran, p.run.Stopped = true, r.Ran, bounded(r.Stopped, maxReason)
	}
	return tests
}

// shortRecord reads the two records of a test that passes, which are nearly all of a large suite's,
// without a reader of JSON: that would cost the server as much as the tests cost the sandbox.
func shortRecord(line []byte) (r record, ok bool) {
	if rest, ok := bytes.CutPrefix(line, []byte(`{"e":"start","id":"`)); ok {
		id, ok := bytes.CutSuffix(rest, []byte(`"}`))
		plain := ok && !bytes.ContainsAny(id, "\"\\") && utf8.Valid(id)
		return record{Event: "start", ID: string(id)}, plain
	}
	rest, ok := bytes.CutPrefix(line, []byte(`{"e":"end","o":"passed","d":`))
	if !ok {
		return record{}, false
	}
	figure, ok := bytes.CutSuffix(rest, []byte("}"))
	took, err := strconv.ParseFloat(string(figure), 64)
	return record{Event: "end", Outcome: Passed, Seconds: took}, ok && err == nil && took >= 0
}

func (p *Parser) plan(r record) {
	p.run.Done = false // a program may have several runs, one after the other
	for _, name := range r.Tests {
		id := p.name(r.In + name)
		if p.plannedBytes += len(id); p.plannedBytes > maxPlanned || len(p.planned) == maxTests {
			p.cut = true
			return
		}
		p.planned = append(p.planned, id)
	}
}

// name is a test's name as it is told of, or empty.
func (p *Parser) name(id string) string {
	if id == "" {
		return ""
	}
	return bounded(p.Below+id, maxID)
}

func (p *Parser) start(id string) {
	if len(p.running) < maxPending {
		p.running = append(p.running, id)
	}
	p.reach(id)
}

func (p *Parser) reach(id string) {
	if p.reached == nil {
		p.reached = map[string]bool{}
	}
	if len(p.reached) < maxTests && !p.reached[id] && p.reachedBytes+len(id) <= maxReached {
		p.reachedBytes += len(id)
		p.reached[id] = true
	}
}

func (p *Parser) ask(r record) {
	id := p.name(r.ID)
	if p.asked == nil {
		p.asked = map[string][]Asked{}
	}
	if len(p.asked) < maxPending && len(p.asked[id]) < maxAsked {
		p.asked[id] = append(p.asked[id], Asked{Kind: bounded(r.Kind, 20), Name: bounded(r.Name, 300)})
	}
}

// end takes the end of a test, or of a part of one. A short one is of the test that was started
// last.
func (p *Parser) end(tests []Test, r record) []Test {
	id := p.name(r.ID)
	if id == "" && len(p.running) > 0 {
		id = p.running[len(p.running)-1]
	}
	if r.Event == "end" {
		p.stop(id)
	}
	if id == "" || !r.Outcome.Known() || p.told >= maxTests {
		return tests
	}
	p.told++
	p.reach(id)
	p.run.Summary.Count(r.Outcome, 1)
	if class, ok := fixtureOf(id); ok && (r.Outcome == Skipped || r.Outcome == Error) {
		p.cover(class)
	}
	t := Test{
		ID: id, Sub: bounded(r.Sub, maxID), Outcome: r.Outcome, Reason: oneLine(r.Why), Asked: p.asked[id],
		Duration: seconds(r.Seconds), Line: max(0, r.Line),
	}
	delete(p.asked, id)
	if t.Path = p.path(r.Path); t.Path == "" {
		t.Line = 0
	}
	if p.texts += len(r.Trace) + len(r.Out); p.texts < maxRed {
		t.Traceback, t.Output = last(r.Trace, maxText), last(r.Out, maxText)
	}
	return append(tests, t)
}

func (p *Parser) cover(class string) {
	if p.covered == nil {
		p.covered = map[string]bool{}
	}
	if !p.covered[class] && p.reachedBytes+len(class) <= maxReached {
		p.reachedBytes += len(class)
		p.covered[class] = true
	}
}

func (p *Parser) stop(id string) {
	for i, r := range p.running {
		if r == id {
			p.running = append(p.running[:i], p.running[i+1:]...)
			return
		}
	}
}

// Run is what was read so far. A test that was started and did not end is the one during which the
// process ended.
func (p *Parser) Run() Run {
	r := p.run
	r.Planned = len(p.planned)
	if len(p.running) > 0 && !r.Done {
		r.Summary.Crashed = p.running[len(p.running)-1]
	}
	if r.Done && !r.canary {
		r.Summary.Tampered = true
	}
	for _, id := range p.planned {
		if !p.reached[id] && !p.isCovered(id) {
			if r.Summary.NotReached++; len(r.Summary.Unreached) < MaxUnreached {
				r.Summary.Unreached = append(r.Summary.Unreached, id)
			}
		}
	}
	return r
}

// Planned are the tests that the program found, in their order; none where these are too many to
// keep them all.
func (p *Parser) Planned() []string {
	if p.cut {
		return nil
	}
	return p.planned
}

// isCovered reports whether a fixture kept the test from running: that of the class or of a module
// whose name, with a dot, its own begins with.
func (p *Parser) isCovered(id string) bool {
	end := 0
	for range maxDots {
		dot := strings.IndexByte(id[end:], '.')
		if dot < 0 || len(p.covered) == 0 {
			return false
		}
		if p.covered[id[:end+dot]] {
			return true
		}
		end += dot + 1
	}
	return false
}

// fixtureOf is the class or module whose set-up has this name.
func fixtureOf(id string) (string, bool) {
	for _, name := range []string{".setUpClass", ".setUpModule"} {
		if of, ok := strings.CutSuffix(id, name); ok {
			return of, true
		}
	}
	return "", false
}

// path is a path in the sandbox as one in the checkout; empty for one outside it.
func (p *Parser) path(s string) string {
	below, ok := strings.CutPrefix(s, p.Root+"/")
	if !ok || len(below) > maxID {
		return ""
	}
	return below
}

func seconds(s float64) time.Duration {
	const day = 24 * 60 * 60
	return time.Duration(max(0, min(s, day)) * float64(time.Second))
}

// bounded is the beginning of a text, in valid UTF-8.
func bounded(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// last is the end of a text, where the cause of a failure stands.
func last(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return "…" + strings.ToValidUTF8(s[len(s)-most:], "")
}

func oneLine(s string) string { return bounded(strings.Join(strings.Fields(s), " "), maxReason) }
