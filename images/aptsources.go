package images

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
)

// aptSource is one repository that the host's apt uses.
type aptSource struct {
	uri, suite string
	components []string
}

// debianSources returns the one-line apt sources for a bootstrap: the mirrors from which the host
// itself has its Debian, of whatever release, else Debian's own.
func debianSources(root fs.FS) []string {
	var lines []string
	for _, s := range hostSources(root) {
		suite, ok := bootstrapSuite(s)
		if !ok {
			continue
		}
		if line := fmt.Sprintf("deb %s %s main", s.uri, suite); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	// The release itself comes first: without it the other two are useless.
	i := slices.IndexFunc(lines, func(l string) bool { return strings.HasSuffix(l, " "+debianSuite+" main") })
	if i < 0 {
		return []string{
			"deb http://deb.debian.org/debian " + debianSuite + " main",
			"deb http://deb.debian.org/debian " + debianSuite + "-updates main",
			"deb http://deb.debian.org/debian-security " + debianSuite + "-security main",
		}
	}
	lines[0], lines[i] = lines[i], lines[0]
	return lines
}

// withoutPassword is a mirror's address as it may be shown. The address may hold the name and
// password that the mirror asks for.
func withoutPassword(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return "a mirror of the host's apt"
	}
	u.User = nil
	return u.String()
}

// bootstrapSuite tells a Debian mirror from other people's repositories, and says for which of a
// release's three suites it was configured.
func bootstrapSuite(s aptSource) (string, bool) {
	u, err := url.Parse(s.uri)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || !slices.Contains(s.components, "main") {
		return "", false
	}
	switch path.Base(u.Path) {
	case "debian":
		if strings.HasSuffix(s.suite, "-updates") {
			return debianSuite + "-updates", true
		}
		return debianSuite, !strings.ContainsAny(s.suite, "-/")
	case "debian-security":
		return debianSuite + "-security", strings.HasSuffix(s.suite, "-security")
	}
	return "", false
}

// hostSources reads both formats of sources.list(5). It ignores what it cannot parse: at worst
// Debian's own mirror is used.
func hostSources(root fs.FS) []aptSource {
	var found []aptSource
	lists, _ := fs.Glob(root, "etc/apt/sources.list.d/*.list")
	for _, file := range append([]string{"etc/apt/sources.list"}, lists...) {
		text, _ := fs.ReadFile(root, file)
		for line := range strings.Lines(string(text)) {
			if s, ok := oneLine(line); ok {
				found = append(found, s)
			}
		}
	}
	stanzas, _ := fs.Glob(root, "etc/apt/sources.list.d/*.sources")
	for _, file := range stanzas {
		text, _ := fs.ReadFile(root, file)
		for stanza := range strings.SplitSeq(string(text), "\n\n") {
			found = append(found, deb822(stanza)...)
		}
	}
	return found
}

// oneLine parses `deb [options] URI suite component...`.
func oneLine(line string) (aptSource, bool) {
	line, _, _ = strings.Cut(line, "#")
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb ")
	if !ok {
		return aptSource{}, false
	}
	if rest = strings.TrimSpace(rest); strings.HasPrefix(rest, "[") {
		_, rest, _ = strings.Cut(rest, "]")
	}
	f := strings.Fields(rest)
	if len(f) < 3 {
		return aptSource{}, false
	}
	return aptSource{uri: f[0], suite: f[1], components: f[2:]}, true
}

// deb822 parses one stanza, which stands for every pair of its URIs and Suites.
func deb822(stanza string) []aptSource {
	fields := make(map[string][]string)
	var last string
	for line := range strings.Lines(stanza) {
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t"):
			fields[last] = append(fields[last], strings.Fields(line)...)
		default:
			key, value, _ := strings.Cut(line, ":")
			last = strings.ToLower(key)
			fields[last] = strings.Fields(value)
		}
	}
	if !slices.Contains(fields["types"], "deb") || slices.Equal(fields["enabled"], []string{"no"}) {
		return nil
	}
	var found []aptSource
	for _, uri := range fields["uris"] {
		for _, suite := range fields["suites"] {
			found = append(found, aptSource{uri: uri, suite: suite, components: fields["components"]})
		}
	}
	return found
}
