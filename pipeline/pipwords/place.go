package pipwords

import (
	"bytes"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// place is where a project is required.
type place struct {
	path string
	line int
}

// places are where projects are required, by their normalized names. The files are read once: what
// pip says of a build that wants to keep the server busy may name projects a hundred thousand times.
type places struct {
	reader   *Reader
	exact    map[string]place // by the whole requirement, without blanks
	required map[string]place
	quoted   map[string]place // in files of other forms
}

// maxLine bounds how much of a line is looked at, in bytes.
const maxLine = 1000

func (r *Reader) index() *places {
	if r.places == nil {
		r.places = &places{reader: r, exact: map[string]place{}, required: map[string]place{}, quoted: map[string]place{}}
		r.places.read()
	}
	return r.places
}

// find is the place of a requirement's project; empty where it is not known.
func (r *Reader) find(requirement string) place {
	if at, ok := r.index().exact[whole(requirement)]; ok {
		return at
	}
	name := normalized(requirement)
	if at, ok := r.index().required[name]; ok {
		return at
	}
	return r.index().quoted[name]
}

// quotedName is a requirement in TOML, in Python, or in a list of YAML or of setup.cfg.
var quotedName = regexp.MustCompile(`(?:["']|^\s*-?\s*)([A-Za-z0-9][A-Za-z0-9._-]*)`)

func (p *places) read() {
	keep := func(to map[string]place, name, file string, n int) {
		if _, known := to[name]; !known && name != "" {
			to[name] = place{file, n}
		}
	}
	each(p.reader.Requirements, func(file string, n int, line []byte) bool {
		keep(p.exact, whole(string(line)), file, n)
		keep(p.required, normalized(string(line)), file, n)
		return true
	})
	each(p.reader.Project, func(file string, n int, line []byte) bool {
		for _, m := range quotedName.FindAllSubmatch(line, maxNames) {
			keep(p.quoted, normalized(string(m[1])), file, n)
		}
		return true
	})
}

// whole is a requirement in lower case without blanks, and without what may stand behind it.
func whole(requirement string) string {
	for _, end := range []string{" #", " --", ";"} {
		requirement, _, _ = strings.Cut(requirement, end)
	}
	return strings.ToLower(strings.Join(strings.Fields(requirement), ""))
}

// maxNames bounds how many names of one line are looked at.
const maxNames = 50

// including is the line of a requirements file that includes another file.
func (p *places) including(file string) (at place) {
	name := []byte(path.Base(file))
	each(p.reader.Requirements, func(in string, n int, line []byte) bool {
		option := bytes.HasPrefix(bytes.TrimSpace(line), []byte("-"))
		if option && bytes.Contains(line, name) {
			at = place{in, n}
		}
		return at.path == ""
	})
	return at
}

// saying is the first line of the project's files that matches.
func (p *places) saying(pattern *regexp.Regexp) (at place) {
	each(p.reader.Project, func(file string, n int, line []byte) bool {
		if pattern.Match(line) {
			at = place{file, n}
		}
		return at.path == ""
	})
	return at
}

// each calls do with each line of all files, in the order of their paths, until it returns false.
func each(files map[string][]byte, do func(file string, n int, line []byte) bool) {
	for _, file := range slices.Sorted(maps.Keys(files)) {
		n := 0
		for line := range bytes.Lines(files[file]) {
			if n++; !do(file, n, line[:min(len(line), maxLine)]) {
				return
			}
		}
	}
}
