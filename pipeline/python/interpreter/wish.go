package interpreter

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
)

// Wish is what a file says of Python that was written for another tool.
type Wish struct {
	File string
	Text string   // as written there
	Sets []string // specifier sets (PEP 440), one of which is to be met; empty where Text names releases
}

// release finds a version in what people write: 3.12, python-3.12.4, pypy3.10-7.3, 3.11-dev.
var release = regexp.MustCompile(`\d+(?:\.\d+)*`)

// releases are the versions that the text names, the first one first.
func (w Wish) releases() []version {
	var all []version
	if len(w.Sets) > 0 {
		return nil
	}
	for _, word := range strings.Fields(w.Text) {
		if v, ok := parseVersion(release.FindString(word)); ok {
			all = append(all, v)
		}
	}
	return all
}

func (w Wish) readable() bool { return len(w.releases()) > 0 || slices.ContainsFunc(w.Sets, readable) }

// near is the release that comes first in a wish, to find one that is near to it.
func (w Wish) near() version {
	v, _ := parseVersion(release.FindString(w.Text))
	return v
}

// files are where people write which Python they use, with names that are meant for them; the
// strongest first.
var files = []struct {
	names []string // in lower case
	read  func(lines []string) string
}{
	{[]string{".python-version", ".python_version", "python-version", ".python-version.txt", ".pythonversion"}, plain},
	{[]string{"runtime.txt"}, plain},
	{[]string{".tool-versions"}, toolVersions},
}

// Wishes reads the files that name a release of Python, in the order of their strength.
func Wishes(t *checkout.Tree) []Wish {
	var wishes []Wish
	for _, kind := range files {
		for _, want := range kind.names {
			for _, name := range t.List(".") {
				if strings.ToLower(name) != want {
					continue
				}
				data, _ := t.Read(name)
				text, _ := checkout.Text(data)
				if said := kind.read(meaningful(text)); said != "" {
					wishes = append(wishes, Wish{File: path.Base(name), Text: said})
				}
			}
		}
	}
	return wishes
}

// meaningful are the lines that are neither empty nor comments.
func meaningful(text string) []string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// plain is a file of versions, of which the first counts where there is an image for it.
func plain(lines []string) string { return strings.Join(lines[:min(len(lines), 10)], " ") }

// toolVersions is asdf's file: a tool and its versions in each line.
func toolVersions(lines []string) string {
	for _, line := range lines {
		if words := strings.Fields(line); words[0] == "python" {
			return strings.Join(words[1:], " ")
		}
	}
	return ""
}
