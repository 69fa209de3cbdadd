// Package requirement reads what pip is asked for: single requirements (PEP 508) and the files that
// hold them.
package requirement

import (
	"regexp"
	"strings"
)

// Requirement is one thing that pip is asked to install.
type Requirement struct {
	Text     string // as pip takes it on its command line
	Name     string // of the project, normalized; empty where only a URL or a path is given
	Where    string // the URL or path that it comes from; empty where the index has it
	Editable bool
	Hashed   bool   // it must have one of the hashes that its file names
	File     string // that names it
	Line     int    // 0 where it stands in no line of its own
	Whole    string // that line with its own options, such as --hash; empty where it stands in none
}

var (
	// name is what a requirement begins with.
	name = regexp.MustCompile(`^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)`)
	// separators are alike in the name of a project (PEP 503).
	separators = regexp.MustCompile(`[-_.]+`)
	// scheme is what a URL begins with, also one of a version control system, such as git+https.
	scheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:`)
	// direct is a requirement with a URL of its own (PEP 508).
	direct = regexp.MustCompile(`^\s*[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*@\s*([^\s;]+)`)
	// egg is where a URL names its project.
	egg = regexp.MustCompile(`[#&]egg=([A-Za-z0-9._-]+)`)
	// isPath is a requirement that is a path, as pip tells it from a name.
	isPath = regexp.MustCompile(
		`^(?:\.{1,2}(?:[/\\\[]|$)|/|[A-Za-z]:[/\\]|[^\[;=<>~!@]*[/\\])|\.(?:whl|zip|tar\.gz|tar\.bz2)$`)
)

// Normalize writes a project's name as the index knows it (PEP 503).
func Normalize(name string) string {
	if !strings.ContainsAny(name, "-_.") {
		return strings.ToLower(name)
	}
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

// NameOf is the project's name that a requirement begins with, as it is written (PEP 508); empty where
// it begins with none.
func NameOf(text string) string {
	if m := name.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// Parse reads a requirement without options, such as `six>=1; python_version < "3.9"`.
func Parse(text string) Requirement {
	text = strings.TrimSpace(text)
	r := Requirement{Text: text}
	named := true
	switch { // most requirements are a name with a version, and there may be any number of them
	case !strings.ContainsAny(text, "@/:\\.["):
	case strings.Contains(text, "@") && direct.MatchString(text):
		r.Where = direct.FindStringSubmatch(text)[1]
	case scheme.MatchString(text):
		r.Where, named = text, false
	case isPath.MatchString(text):
		r.Where, named = strings.TrimSpace(strings.SplitN(text, "[", 2)[0]), false
	}
	find := egg
	if named {
		find = name
	}
	if m := find.FindStringSubmatch(text); m != nil {
		r.Name = Normalize(m[1])
	}
	return r
}

// IsRoot reports whether it is the checkout itself, such as `.` or `./[test]`.
func (r Requirement) IsRoot() bool {
	where := strings.TrimPrefix(r.Where, "file:")
	return where == "." || where == "./"
}

// Remote reports whether it comes from a place of its own that is not in the checkout.
func (r Requirement) Remote() bool {
	return scheme.MatchString(r.Where) && !strings.HasPrefix(r.Where, "file:")
}
