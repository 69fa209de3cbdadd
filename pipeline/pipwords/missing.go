package pipwords

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/python/requirement"
)

// missing says what the index has not got: a package of that name, a version, a file for this Python.
func (r *Reader) missing(requirement, by, versions string) {
	at := r.find(asked(requirement, by))
	f := findings.Finding{Path: at.path, Line: at.line}
	text := requirement
	if who := asker(by); who != "" {
		text = who + " wants " + requirement + ", which"
	}
	f.Text = text + r.lacks(requirement, versions)
	r.list.Add(f)
}

// lacks is what is wrong with a requirement, as the end of a sentence about it.
func (r *Reader) lacks(requirement, versions string) string {
	name, none := normalized(requirement), versions == "none" || versions == ""
	other := r.forAnother(requirement, none)
	switch {
	case none && strings.HasPrefix(name, "python") && slices.Contains(ofPython, name):
		return " is no package: it is the interpreter; take the line out"
	case none && slices.Contains(ofPython, name):
		return " is no package: it is a module of the standard library; take the line out"
	case other != "":
		if !none {
			other += " (newest for this one: " + newest(versions) + ")"
		}
		return " needs another Python: " + other
	case none && r.Index != nil && r.Index.Offered(name):
		return " has no file on the index for Linux and this Python"
	case none && r.Index != nil && r.Index.Absent(name):
		return nowhere
	case none: // so pip says, too, of one whose page the proxy refused
		return " has no version on the index"
	}
	return fmt.Sprintf(" is not on the index (newest: %s)", newest(versions))
}

// nowhere is said of a project that the index has not.
const nowhere = " is no package on the index: check the name"

// forAnother says which Python a requirement needs, where the index has what is asked for and pip
// passed it over for its Python alone.
func (r *Reader) forAnother(requirement string, none bool) string {
	var last string
	for one := range strings.SplitSeq(r.ignored, "; ") {
		version, needs, ok := strings.Cut(one, " Requires-Python ")
		if !ok {
			continue
		}
		last = version + " asks for " + needs
		if pin := pinned.FindStringSubmatch(requirement); pin != nil && pin[1] == version {
			return "it asks for " + needs
		}
	}
	if none {
		return last
	}
	return ""
}

// pinned is the version that a requirement asks for and no other.
var pinned = regexp.MustCompile(`^[^=<>~!,]*===?\s*([^\s,;*]+)$`)

// ofPython are names that people take for packages, which come with Python or are Python itself.
var ofPython = []string{
	"abc", "collections", "copy", "csv", "ctypes", "curses", "datetime", "decimal", "functools", "glob", "io",
	"itertools", "json", "logging", "math", "os", "pickle", "python", "python3", "queue", "random", "re", "shutil",
	"socket", "sqlite3",
	"string", "struct", "subprocess", "sys", "tempfile", "threading", "time", "tkinter", "tk", "turtle", "unittest",
	"urllib", "xml", "zipfile",
}

// newest is the last of pip's list, which is in order.
func newest(versions string) string {
	return versions[strings.LastIndexByte(versions, ' ')+1:]
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

// asker is who asks for a requirement by itself; empty where that is a file or the command line.
func asker(by string) string {
	first, _, _ := strings.Cut(by, "->")
	if strings.HasPrefix(first, "-") {
		return ""
	}
	return first
}

// normalized is the name of the project that a requirement is for, as the index knows it; empty where
// it begins with none.
func normalized(text string) string {
	return requirement.Normalize(requirement.NameOf(text))
}
