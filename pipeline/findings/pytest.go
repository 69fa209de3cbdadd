package findings

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"vivarium/pipeline/lines"
	"vivarium/pipeline/reason"
)

// Pytest reads the failures that pytest prints: each in a section of its own and, at the end, in
// one line each. It also reads why pytest did not begin. The zero value is ready.
type Pytest struct {
	Root string // where the checkout stands in the sandbox
	Dir  string // where pytest runs below it: pytest's paths are relative to that folder

	list     List
	lines    lines.Cutter
	part     part
	section  *failed
	sections map[string]failed // by title, of those that no line of the end has named yet
	order    []string          // their titles
	internal string            // the last line about a fault in pytest itself or a plug-in
}

// part is where in pytest's output a line stands.
type part int

const (
	beforehand part = iota
	inSections
	inSummary
	afterwards
)

// failed is one section about a failure.
type failed struct {
	finding Finding
	message []string // the lines that say what was wrong
	text    string   // those lines, once the section has ended
}

var (
	ansi     = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	ruled    = regexp.MustCompile(`^=+ ([^=]+?) =+\s*$`)
	title    = regexp.MustCompile(`^_{3,} (.+?) _{3,}\s*$`)
	verdict  = regexp.MustCompile(`^(?:FAILED|ERROR) (\S.*)$`)
	location = regexp.MustCompile(`^([^\s:][^:]*\.py):(\d+)(?::(?: (?:in .+|\w[\w.]*))?)?\s*$`)
	said     = regexp.MustCompile(`^E   +(\S.*)$`)
	// usage is how pytest says that it cannot begin.
	usage = regexp.MustCompile(`^(?:ERROR: |\S+: error: )(.+)$`)
	// internal is a line about a fault in pytest itself or in a plug-in.
	internal = regexp.MustCompile(`^INTERNALERROR> (\S.*)$`)
	// conftest is how pytest says that a conftest.py cannot be imported.
	conftest = regexp.MustCompile(`^(?:\w*Error) while loading conftest '([^']+)'`)
)

// Write takes the next piece of output. It never fails.
func (p *Pytest) Write(b []byte) (int, error) {
	p.lines.Each(b, func(s string) { p.line(ansi.ReplaceAllString(s, "")) })
	return len(b), nil
}

// List is what was read so far, in the order in which pytest names it at the end. What it does not
// name there comes last.
func (p *Pytest) List() List {
	p.end()
	for _, name := range p.order {
		if f, ok := p.sections[name]; ok {
			p.list.AddWith(f.finding, reason.Evidence{Trace: f.text})
		}
	}
	p.sections, p.order = nil, nil
	if p.internal != "" && len(p.list.Findings) == 0 {
		p.list.Add(Finding{Text: "pytest broke off: " + p.internal})
	}
	return p.list
}

func (p *Pytest) line(s string) {
	if m := ruled.FindStringSubmatch(s); m != nil {
		p.end()
		switch m[1] {
		case "FAILURES", "ERRORS":
			p.part = inSections
		case "short test summary info":
			p.part = inSummary
		default:
			p.part = afterwards
		}
		return
	}
	if m := internal.FindStringSubmatch(s); m != nil {
		p.internal = m[1]
		return
	}
	switch p.part {
	case beforehand:
		p.beginning(s)
	case inSections:
		p.inSection(s)
	case inSummary:
		if m := verdict.FindStringSubmatch(s); m != nil {
			p.named(m[1])
		}
	}
}

// beginning reads a line before pytest's first rule: it has not begun.
func (p *Pytest) beginning(s string) {
	if m := conftest.FindStringSubmatch(s); m != nil {
		p.end()
		p.section = &failed{finding: Finding{Path: p.path(m[1])}}
		return
	}
	if p.section != nil {
		p.inSection(s)
		return
	}
	if m := usage.FindStringSubmatch(s); m != nil && !strings.HasPrefix(m[1], "usage:") {
		p.list.Add(Finding{Text: "pytest: " + m[1] + plugin(m[1])})
	}
}

// plugins are the options of pytest's most used plug-ins, each with the package that has it.
var plugins = []struct{ option, name string }{
	{"--cov", "pytest-cov"}, {"--asyncio-mode", "pytest-asyncio"}, {"--timeout", "pytest-timeout"},
	{"--ds", "pytest-django"}, {"--reruns", "pytest-rerunfailures"}, {"--html", "pytest-html"},
	{"--benchmark", "pytest-benchmark"}, {"--mypy", "pytest-mypy"}, {"--flake8", "pytest-flake8"},
	{"--black", "pytest-black"}, {"--numprocesses", "pytest-xdist"}, {"-n", "pytest-xdist"},
}

// plugin says which package brings an option that pytest does not know.
func plugin(problem string) string {
	_, options, ok := strings.Cut(problem, "unrecognized arguments: ")
	for _, known := range plugins {
		if ok && strings.HasPrefix(options, known.option) {
			return "; it comes with " + known.name + ": declare that"
		}
	}
	return ""
}

func (p *Pytest) inSection(s string) {
	if m := title.FindStringSubmatch(s); m != nil && strings.Trim(m[1], "_ ") != "" {
		p.end()
		p.section = &failed{finding: Finding{Test: m[1]}}
		return
	}
	if p.section == nil {
		return
	}
	if m := location.FindStringSubmatch(s); m != nil {
		if own := p.path(m[1]); own != "" {
			p.section.finding.Path = own
			p.section.finding.Line, _ = strconv.Atoi(m[2])
		}
		return
	}
	if m := said.FindStringSubmatch(s); m != nil && len(p.section.message) < maxMessage {
		p.section.message = append(p.section.message, m[1])
	}
}

// path is a path of pytest's as one below the checkout; empty for a file outside it.
func (p *Pytest) path(s string) string {
	if below, ok := strings.CutPrefix(s, p.Root+"/"); ok {
		return below
	}
	if strings.HasPrefix(s, "/") || strings.HasPrefix(s, "../") || strings.HasPrefix(s, "<") {
		return ""
	}
	return path.Join(p.Dir, s)
}

// end closes the section that is being read.
func (p *Pytest) end() {
	if p.section == nil {
		return
	}
	f := *p.section
	p.section = nil
	f.finding.Code, f.finding.Text = raisedIn(f.message)
	f.text = strings.Join(f.message, "\n")
	f.text = f.text[:min(len(f.text), maxTrace)]
	f.message = nil
	if f.finding.Test == "" { // pytest did not begin
		p.list.AddWith(f.finding, reason.Evidence{Trace: f.text})
		return
	}
	if p.sections == nil {
		p.sections = map[string]failed{}
	}
	name := f.finding.Test
	if _, twice := p.sections[name]; !twice && len(p.sections) < maxSections {
		p.sections[name] = f
		p.order = append(p.order, name)
	}
}

// maxMessage bounds how many lines of one section are kept until its end.
const maxMessage = 200

// maxSections bounds how many sections are kept until a line at the end names them.
const maxSections = 1000

// raisedIn is the exception in the lines that say what was wrong: the last one that stands in a line
// of its own, with its message.
func raisedIn(message []string) (code, text string) {
	for _, s := range message {
		if m := exception.FindStringSubmatch(s); m != nil && classLike.MatchString(m[1]) {
			code, text = m[1], s
			switch {
			case (code == "AssertionError" || code == "ModuleNotFoundError" || code == "Failed") && m[2] != "":
				text = m[2]
			case code == "AssertionError" && m[2] == "":
				continue
			}
			break
		}
	}
	if text == "" && len(message) > 0 {
		text = message[0]
	}
	return code, text
}

// classLike is the name of an exception, dotted where it is not one of Python's own.
var classLike = regexp.MustCompile(`^(?:[\w]+\.)*[A-Z]\w*$`)

// named takes a line of the end: the test and, behind a dash, what was wrong. A test's own name may
// hold such a dash too, so that the first one counts behind which a section's name ends.
func (p *Pytest) named(line string) {
	id, message := p.split(line)
	title := p.titleOf(id)
	f, text := p.sections[title].finding, p.sections[title].text
	delete(p.sections, title)
	file, test, _ := strings.Cut(id, "::")
	if f.Path == "" {
		f.Path = path.Join(p.Dir, file)
	}
	if f.Test = id; test == "" { // the file itself could not be read
		f.Test = ""
	}
	if f.Text == "" {
		f.Code, f.Text = raisedIn([]string{message})
	}
	if f.Text == "" {
		f.Text = "it failed"
	}
	p.list.AddWith(f, reason.Evidence{Trace: text})
}

const dash = " - "

func (p *Pytest) split(line string) (id, message string) {
	parts := strings.Split(line, dash)
	for i := range parts {
		id = strings.Join(parts[:i+1], dash)
		if p.titleOf(id) != "" {
			return id, strings.Join(parts[i+1:], dash)
		}
	}
	id, message, _ = strings.Cut(line, dash)
	return id, message
}

// titleOf is the title of the section about a test; empty when there is none.
func (p *Pytest) titleOf(id string) string {
	file, test, _ := strings.Cut(id, "::")
	titles := []string{"ERROR collecting " + file}
	if test != "" {
		name, _, _ := strings.Cut(test, "[")
		dotted := strings.ReplaceAll(name, "::", ".") + test[len(name):]
		function := test[strings.LastIndex(name, ":")+1:]
		titles = []string{
			dotted,
			"ERROR at setup of " + dotted, "ERROR at teardown of " + dotted,
			"ERROR at setup of " + function, "ERROR at teardown of " + function,
		}
	}
	for _, title := range titles {
		if _, ok := p.sections[title]; ok {
			return title
		}
	}
	return ""
}
