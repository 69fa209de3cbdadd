package requirement

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
)

// List is what requirements files ask for, with all files that they include.
type List struct {
	Requirements []Requirement
	Options      []Option          // those that concern the whole call of pip
	Constraints  []string          // files that only bound versions
	Files        map[string][]byte // as UTF-8, by path, to look up lines in
	Problems     []Problem
	Missing      []string // files that are included and whose contents are not known
}

// Option is a line such as `--index-url https://example.org/simple`.
type Option struct {
	Name  string // in its long form
	Value string
	File  string
	Line  int
}

// Problem is why pip could not read a file.
type Problem struct {
	File string
	Line int
	Text string
}

// maxFiles bounds how many files one list takes in.
const maxFiles = 1000

// Read reads requirements files of the checkout and what they include, each once.
func Read(t *checkout.Tree, files ...string) List {
	l := List{Files: map[string][]byte{}}
	for _, file := range files {
		l.read(t, file, false)
	}
	return l
}

// ReadText is Read for a text that stands in a file of another kind.
func ReadText(t *checkout.Tree, file, text string) List {
	l := List{Files: map[string][]byte{}}
	for _, line := range logicalLines(text) {
		line.number = 0 // it is none of the file's
		l.line(t, file, line, false)
	}
	return l
}

// Join puts lists together.
func Join(lists ...List) List {
	all := List{Files: map[string][]byte{}}
	for _, l := range lists {
		all.Requirements = append(all.Requirements, l.Requirements...)
		all.Options = append(all.Options, l.Options...)
		all.Constraints = append(all.Constraints, l.Constraints...)
		all.Problems = append(all.Problems, l.Problems...)
		for p, data := range l.Files {
			all.Files[p] = data
		}
	}
	return all
}

// Has reports whether a project is asked for by its name.
func (l List) Has(name string) bool {
	name = Normalize(name)
	return slices.ContainsFunc(l.Requirements, func(r Requirement) bool { return r.Name == name })
}

// Hashed reports whether pip will ask for the hash of everything in the same call.
func (l List) Hashed() bool {
	return slices.ContainsFunc(l.Requirements, func(r Requirement) bool { return r.Hashed }) ||
		slices.ContainsFunc(l.Options, func(o Option) bool { return o.Name == "--require-hashes" })
}

// InstallsRoot reports whether the checkout itself is asked for.
func (l List) InstallsRoot() bool { return slices.ContainsFunc(l.Requirements, Requirement.IsRoot) }

func (l *List) read(t *checkout.Tree, file string, constraint bool) {
	if _, seen := l.Files[file]; seen || len(l.Files) == maxFiles || l.full() {
		return
	}
	data, ok := t.Read(file)
	if !ok {
		l.Missing = append(l.Missing, file) // if it is not there, pip says so in its own words
		return
	}
	text, bad := checkout.Text(data)
	if bad > 0 {
		l.Problems = append(l.Problems, Problem{file, bad, "it is not UTF-8; save the file as UTF-8"})
	}
	l.Files[file] = []byte(text)
	for _, line := range logicalLines(text) {
		l.line(t, file, line, constraint)
	}
}

// maxLines bounds how many lines one list takes in. They take some fifty times as much memory as the
// shortest lines of a file.
const maxLines = 50_000

func (l *List) full() bool {
	return len(l.Requirements)+len(l.Options)+len(l.Constraints)+len(l.Missing) >= maxLines
}

func (l *List) line(t *checkout.Tree, file string, line logicalLine, constraint bool) {
	if l.full() {
		return
	}
	option, value := cutLine(line.text)
	switch option {
	case "":
		if constraint || value == "" {
			return
		}
		l.add(Parse(value), file, line)
	case "--editable":
		r := Parse(value)
		r.Editable = true
		if !constraint && !strings.HasPrefix(value, "-") {
			l.add(r, file, line)
		}
	case "--requirement":
		l.read(t, path.Join(path.Dir(file), value), constraint)
	case "--constraint":
		p := path.Join(path.Dir(file), value)
		l.Constraints = append(l.Constraints, p)
		l.read(t, p, true)
	default:
		l.Options = append(l.Options, Option{option, value, file, line.number})
	}
}

func (l *List) add(r Requirement, file string, line logicalLine) {
	r.File, r.Line, r.Hashed = file, line.number, strings.Contains(line.text, "--hash")
	r.Whole = line.text
	l.Requirements = append(l.Requirements, r)
}

// logicalLine is a line with those that continue it.
type logicalLine struct {
	text   string
	number int // of its first line
}

// comment ends a line where a # stands at its beginning or after white space, as in pip.
var comment = regexp.MustCompile(`(?:^|\s+)#.*$`)

func logicalLines(text string) []logicalLine {
	var lines []logicalLine
	var open strings.Builder
	number, first := 0, 1
	end := func() {
		whole := open.String()
		if strings.Contains(whole, "#") {
			whole = comment.ReplaceAllString(whole, "")
		}
		if whole = strings.TrimSpace(whole); whole != "" {
			lines = append(lines, logicalLine{whole, first})
		}
		open.Reset()
		first = number + 1
	}
	for s := range strings.SplitSeq(text, "\n") {
		number++
		s, continued := strings.CutSuffix(strings.TrimSuffix(s, "\r"), `\`)
		open.WriteString(s)
		if !continued {
			end()
		}
	}
	end()
	return lines
}

// short are pip's short options.
var short = map[string]string{
	"-e": "--editable", "-r": "--requirement", "-c": "--constraint", "-i": "--index-url", "-f": "--find-links",
	"--requirements": "--requirement", "--constraints": "--constraint", "--pypi-url": "--index-url",
}

// cutLine takes an option and its value apart; the option is empty where the line is a requirement,
// whose own options (such as --hash) are left out of the value.
func cutLine(text string) (option, value string) {
	if !strings.HasPrefix(text, "-") {
		if i := strings.Index(text, " --"); i >= 0 {
			text = text[:i]
		}
		return "", strings.TrimSpace(text)
	}
	end := strings.IndexAny(text, " \t=")
	if !strings.HasPrefix(text, "--") && len(text) > 2 { // such as -rbase.txt
		end = 2
	}
	if end < 0 {
		end = len(text)
	}
	option = text[:end]
	if long := short[option]; long != "" {
		option = long
	}
	value = strings.TrimLeft(text[end:], " \t=")
	if i := strings.Index(value, " #"); i >= 0 {
		value = value[:i]
	}
	return option, strings.Trim(strings.TrimSpace(value), `"'`)
}
