package findings

import (
	"path"
	"regexp"
	"strconv"

	"vivarium/pipeline/lines"
)

// Flake8 reads flake8's standard output.
type Flake8 struct {
	Dir string // where it ran, below the checkout; empty is the root

	list  List
	lines lines.Cutter
}

// flake8Line is flake8's default format, %(path)s:%(row)d:%(col)d: %(code)s %(text)s.
var flake8Line = regexp.MustCompile(`^(.+?):(\d+):(\d+): ([A-Z]+\d+) (.*)$`)

// python2 matches what Python 3 says only of code that was written for Python 2.
var python2 = regexp.MustCompile(`Missing parentheses in call to '(?:print|exec)'|` +
	`multiple exception types must be parenthesized`)

// Write takes the next piece of output. It never fails.
func (f *Flake8) Write(p []byte) (int, error) {
	f.lines.Each(p, f.line)
	return len(p), nil
}

func (f *Flake8) line(s string) {
	m := flake8Line.FindStringSubmatch(s)
	if m == nil {
		return
	}
	line, _ := strconv.Atoi(m[2])
	column, _ := strconv.Atoi(m[3])
	text := m[5]
	if python2.MatchString(text) {
		text = "Python 2 code: " + text
	}
	f.list.Add(Finding{Path: path.Join(f.Dir, m[1]), Line: line, Column: column, Code: m[4], Text: text})
}

// List is what was read so far.
func (f *Flake8) List() List { return f.list }
