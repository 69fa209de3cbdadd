package findings

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Pip reads why an installation failed in what pip prints.
type Pip struct {
	Requirements map[string][]byte // requirements files by path, in which lines are looked up

	list        List
	lines       lines
	otherPython string // versions that the index has, for other releases of Python
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
	if m := ignored.FindStringSubmatch(s); m != nil {
		p.otherPython = m[1]
		return
	}
	if m := invalid.FindStringSubmatch(s); m != nil {
		line, _ := strconv.Atoi(m[2])
		p.list.add(Finding{Path: m[3], Line: line, Text: m[1]})
		return
	}
	if m := unsatisfied.FindStringSubmatch(s); m != nil {
		f := Finding{Text: p.missing(m[1], m[2], m[3])}
		f.Path, f.Line = p.find(m[1])
		p.list.add(f)
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

// find looks a requirement's project up in the requirements files.
func (p *Pip) find(requirement string) (file string, line int) {
	name := normalized(requirement)
	for path, data := range p.Requirements {
		n := 0
		for text := range bytes.Lines(data) {
			n++
			if name != "" && normalized(string(text)) == name && (file == "" || path < file) {
				file, line = path, n
				break
			}
		}
	}
	return file, line
}

// normalized is the name of the project that a requirement is for; empty where it begins with none.
func normalized(requirement string) string {
	m := project.FindStringSubmatch(requirement)
	if m == nil {
		return ""
	}
	return strings.ToLower(separators.ReplaceAllString(m[1], "-"))
}
