package python

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"vivarium/pipeline/python/requirement"
	"vivarium/sandbox"
)

// look finds what pip would fail over only after a long time, or with words that name no line: files
// that it cannot read, and places that no build reaches.
func (in *installation) look() {
	for i := range in.lists {
		list := &in.lists[i]
		for _, p := range list.Problems {
			in.refuse(p.File, p.Line, p.Text)
		}
		for _, q := range list.Requirements {
			in.lookAt(q)
		}
		for _, o := range list.Options {
			in.lookAtOption(o)
		}
	}
	for _, q := range slices.Concat(in.single, in.group) {
		in.lookAt(q)
	}
	if in.root != "" && !in.noDeps {
		for _, q := range in.known {
			in.lookAt(q)
		}
	}
}

// refuse keeps the first reason why nothing can be installed.
func (in *installation) refuse(file string, line int, text string) {
	if in.refused != "" {
		return
	}
	in.refused = lineOf(file, line) + ": " + text
}

// lineOf names a line of a file; 0 is none.
func lineOf(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

func (in *installation) lookAt(q requirement.Requirement) {
	where := strings.TrimPrefix(strings.TrimPrefix(q.Where, "file://"), "file:")
	drive := len(where) > 1 && where[1] == ':' || len(where) > 2 && where[0] == '/' && where[2] == ':'
	switch {
	case q.Remote():
		in.addGit(q)
	case q.Where != "" && (path.IsAbs(where) || drive):
		in.refuse(q.File, q.Line, fmt.Sprintf("%s is a path of the machine where this was written; name the package "+
			"and its version, such as by `pip list --format=freeze`", q.Where))
	}
}

// standard are the addresses of the index that pip takes by itself, for which the configured one
// stands.
var standard = []string{"pypi.org", "pypi.python.org"}

func (in *installation) lookAtOption(o requirement.Option) {
	u, err := url.Parse(o.Value)
	switch {
	case o.Name != "--index-url" && o.Name != "--extra-index-url" && o.Name != "--find-links":
	case o.Name == "--find-links" && err == nil && u.Scheme == "":
	case err == nil && slices.Contains(standard, u.Hostname()):
		in.notes = append(in.notes, fmt.Sprintf("%s:%d: %s is passed over, since builds have that index anyway", o.File,
			o.Line, o.Name))
	default:
		in.addIndex(o, u)
	}
}

// withoutPassword is an address for people to read.
func withoutPassword(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	if at := strings.LastIndex(rest[:end], "@"); at >= 0 {
		user, _, _ := strings.Cut(rest[:at], ":")
		if user != rest[:at] || strings.HasPrefix(strings.TrimPrefix(scheme, "git+"), "http") {
			rest = rest[at+1:]
		}
	}
	return scheme + "://" + rest
}

// remoteLinks reports whether an option names a page of links on a host.
func remoteLinks(o requirement.Option) bool {
	return o.Name == "--find-links" && strings.Contains(o.Value, "://")
}

// arguments are those of pip for a list: its file, or its lines one by one where the file names an
// index or a page of links, in whose place the sandbox has an address of its own.
func (in *installation) arguments(i int) []string {
	list := in.lists[i]
	reduced := in.files[i] == in.spare && len(in.left) > 0
	if !namesPlaces(list) && !reduced {
		return []string{"-r", in.files[i]}
	}
	args := in.optionsOf(i)
	if reduced {
		return append(args, in.withoutLeft(list.Requirements)...)
	}
	for _, q := range list.Requirements {
		args = append(args, argument(q)...)
	}
	return args
}

// namesPlaces reports whether a list names an index, or a page of links on a host.
func namesPlaces(l requirement.List) bool {
	return slices.ContainsFunc(l.Options, func(o requirement.Option) bool {
		return strings.HasSuffix(o.Name, "index-url") || remoteLinks(o)
	})
}

// optionsOf are a list's options as arguments, but for those that name such places.
func (in *installation) optionsOf(i int) []string {
	list := in.lists[i]
	var args []string
	for _, o := range list.Options {
		switch o.Name {
		case "--pre", "--prefer-binary", "--require-hashes":
			args = append(args, o.Name)
		case "--no-binary", "--only-binary":
			args = append(args, o.Name, o.Value)
		case "--find-links":
			if !remoteLinks(o) {
				args = append(args, o.Name, o.Value)
			}
		}
	}
	for _, c := range list.Constraints {
		args = append(args, "-c", c)
	}
	return args
}

// copyFile is where hashedCopy stands in the sandbox.
const copyFile = sandbox.Tmp + "/vivarium-requirements.txt"

// hashedCopy holds the lines of files that name both hashes and an index: pip takes hashes from
// files alone, and in a file it would be led to that index. Empty where there is no such file.
func (in *installation) hashedCopy() string {
	var b strings.Builder
	for _, list := range in.lists {
		if !list.Hashed() || !namesPlaces(list) {
			continue
		}
		for _, q := range list.Requirements {
			b.WriteString(q.Whole + "\n")
		}
	}
	return b.String()
}
