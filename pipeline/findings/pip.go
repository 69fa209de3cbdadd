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
	Dir          string            // where pip ran, below the checkout; empty is the root
	Requirements map[string][]byte // requirements files by path, in which lines are looked up

	list        List
	lines       lines
	otherPython string // versions that the index has, for other releases of Python
	places      map[string]place
}

var (
	// unsatisfied names a requirement, who asks for it where that is not the command line, and what the index has.
	unsatisfied = regexp.MustCompile(`^ERROR: Could not find a version that satisfies the requirement (.+?)(?: \(from ([^()]+)\))? \(from versions: (.*)\)$`)
	// ignored lists what the index has for other releases, such as "2.0 Requires-Python >=3.12; 2.1 Requires-Python >=3.12".
	ignored = regexp.MustCompile(`^ERROR: Ignored the following versions that require a different python version: (.+)$`)
	// invalid is a line that pip cannot read.
	invalid = regexp.MustCompile(`^ERROR: (Invalid requirement: .+?):? \(from line (\d+) of (.+)\)$`)
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
	if m := invalid.FindStringSubmatch(s); m != nil {
		line, _ := strconv.Atoi(m[2])
		p.list.add(Finding{Path: path.Join(p.Dir, m[3]), Line: line, Text: m[1]})
		return
	}
	if m := unsatisfied.FindStringSubmatch(s); m != nil {
		at := p.find(m[1])
		p.list.add(Finding{Path: at.path, Line: at.line, Text: p.missing(m[1], m[2], m[3])})
	}
}

// missing tells a package that nobody has from a version that is not there, and from one for another Python.
func (p *Pip) missing(requirement, by, versions string) string {
	text := requirement
	if by != "" && !strings.HasPrefix(by, "-r ") {
		text += " (wanted by " + by + ")"
	}
	switch {
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
