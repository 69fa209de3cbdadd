package findings

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Pip reads why an installation failed in what pip prints.
type Pip struct {
	Root         string            // where the checkout stands in the sandbox
	Dir          string            // where pip ran, below the checkout; empty is the root
	Requirements map[string][]byte // requirements files by path, in which lines are looked up

	list        List
	lines       lines
	otherPython string // versions that the index has, for other releases of Python
	places      map[string]place
	lacking     string // the project that was asked for last and not found
	script      place  // the last line of the checkout in a traceback of what builds a package
}

var (
	// unsatisfied names a requirement, who asks for it where that is not the command line, and what
	// the index has.
	unsatisfied = regexp.MustCompile(`^ERROR: Could not find a version that satisfies the requirement ` +
		`(.+?)(?: \(from (.+)\))? \(from versions: (.*)\)$`)
	// ignored lists what the index has for other releases, such as "2.0 Requires-Python >=3.12; 2.1
	// Requires-Python >=3.12".
	ignored = regexp.MustCompile(`^ERROR: Ignored the following versions that require a different python ` +
		`version: (.+)$`)
	// invalid is a line that pip cannot read.
	invalid = regexp.MustCompile(`^ERROR: (Invalid requirement: .+?):? \(from line (\d+) of (.+)\)$`)
	// traced is a line of a traceback in what a package's build printed.
	traced = regexp.MustCompile(`^\s+File "(.+)", line (\d+), in `)
	// raised is the last line of such a traceback.
	raised = regexp.MustCompile(`^\s+([A-Za-z_][A-Za-z0-9_.]*(?:Error|Exception|Exit)): (.*)$`)
	// absent is what Python says of a module that is not there.
	absent = regexp.MustCompile(`^No module named '([^']+)'`)
	// project is the name that a requirement begins with (PEP 508).
	project = regexp.MustCompile(`^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)`)
	// separators are alike in the name of a project (PEP 503).
	separators = regexp.MustCompile(`[-_.]+`)
)

// Write takes the next piece of output. It never fails.
func (p *Pip) Write(b []byte) (int, error) {
	p.lines.each(b, p.line)
	return len(b), nil
}

// Lacking is the project, by its normalized name, which was asked for in so many words and for whose
// sake pip gave up, since the index lacks it or what it depends on; empty where that was not so.
func (p *Pip) Lacking() string { return p.lacking }

// List is what was read so far.
func (p *Pip) List() List { return p.list }

func (p *Pip) line(s string) {
	if len(p.list.Findings) == most {
		return // the first ones are what is shown, and pip counts nothing
	}
	if m := ignored.FindStringSubmatch(s); m != nil {
		p.otherPython = m[1]
		return
	}
	if p.builds(s) {
		return
	}
	if m := invalid.FindStringSubmatch(s); m != nil {
		line, _ := strconv.Atoi(m[2])
		p.list.add(Finding{Path: path.Join(p.Dir, m[3]), Line: line, Text: m[1]})
		return
	}
	if m := unsatisfied.FindStringSubmatch(s); m != nil {
		p.lacking = normalized(asked(m[1], m[2]))
		at := p.find(m[1])
		p.list.add(Finding{Path: at.path, Line: at.line, Text: p.missing(m[1], m[2], m[3])})
	}
}

// asked is the requirement that led to this one: itself, or the last of those who ask for it that
// stands in a file or on the command line.
func asked(requirement, by string) string {
	for asker := range strings.SplitSeq(by, "->") {
		if asker != "" && !strings.HasPrefix(asker, "-") {
			requirement = asker
		}
	}
	return requirement
}

// builds reads why the checkout's own setup.py, or what builds it, gave up.
func (p *Pip) builds(s string) bool {
	if m := traced.FindStringSubmatch(s); m != nil {
		if file, ours := strings.CutPrefix(m[1], p.Root+"/"); ours {
			line, _ := strconv.Atoi(m[2])
			p.script = place{file, line}
		}
		return true
	}
	m := raised.FindStringSubmatch(s)
	if m == nil || p.script.path == "" {
		return false
	}
	found := Finding{Path: p.script.path, Line: p.script.line, Code: m[1] + ":", Text: m[2]}
	if module := absent.FindStringSubmatch(m[2]); module != nil {
		found.Code = ""
		found.Text = fmt.Sprintf("it imports %s before anything is installed: name that in [build-system] requires of "+
			"pyproject.toml", module[1])
	}
	p.list.add(found)
	p.script = place{}
	return true
}

// ofPython are names that people take for packages, which come with Python or are Python itself.
var ofPython = []string{
	"abc", "collections", "copy", "csv", "ctypes", "curses", "datetime", "decimal", "functools", "glob", "io",
	"itertools", "json", "logging", "math", "os", "pickle", "python", "python3", "queue", "random", "re", "shutil",
	"socket", "sqlite3",
	"string", "struct", "subprocess", "sys", "tempfile", "threading", "time", "tkinter", "tk", "turtle", "unittest",
	"urllib", "xml", "zipfile",
}

// missing tells a package that nobody has from a version that is not there, and from one for another
// Python.
func (p *Pip) missing(requirement, by, versions string) string {
	text := requirement
	by, _, _ = strings.Cut(by, "->")
	if by != "" && !strings.HasPrefix(by, "-r ") {
		text += " (wanted by " + by + ")"
	}
	switch {
	case versions == "none" && slices.Contains(ofPython, normalized(requirement)):
		if strings.HasPrefix(normalized(requirement), "python") {
			return text + " is no package: it is the interpreter; take the line out"
		}
		return text + " is no package: it is a module of the standard library; take the line out"
	case p.otherPython != "":
		return text + " needs another Python: the index has " + p.otherPython
	case versions == "none" || versions == "":
		return text + ": the index offers no version of it" // nor does it of one whose page the proxy refused
	}
	return text + fmt.Sprintf(" is not on the index (newest: %s)", newest(versions))
}

// newest is the last of pip's list, which is in order.
func newest(versions string) string {
	return versions[strings.LastIndexByte(versions, ' ')+1:]
}

// place is where a project is required.
type place struct {
	path string
	line int
}

// find looks a requirement's project up in the requirements files. These are read once: what pip says of a
// build that wants to keep the server busy may name projects a hundred thousand times.
func (p *Pip) find(requirement string) place {
	if p.places == nil {
		p.places = placesOf(p.Requirements)
	}
	return p.places[normalized(requirement)]
}

// placesOf are the first places of all projects, files in the order of their paths.
func placesOf(files map[string][]byte) map[string]place {
	places := map[string]place{}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		n := 0
		for text := range bytes.Lines(files[path]) {
			n++
			name := normalized(string(text[:min(len(text), maxLine)]))
			if _, known := places[name]; !known && name != "" {
				places[name] = place{path, n}
			}
		}
	}
	return places
}

// normalized is the name of the project that a requirement is for; empty where it begins with none.
func normalized(requirement string) string {
	m := project.FindStringSubmatch(requirement)
	if m == nil {
		return ""
	}
	return strings.ToLower(separators.ReplaceAllString(m[1], "-"))
}
