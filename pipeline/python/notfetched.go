package python

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/ini"
)

// notFetched names what the repository refers to and a build does not fetch.
func notFetched(t *checkout.Tree) []string {
	var names []string
	known := submodules(t)
	for _, p := range known {
		names = append(names, "submodule "+p)
	}
	for _, p := range gitlinks(t) {
		if !slices.Contains(known, p) {
			names = append(names, "submodule "+p+", which .gitmodules does not name")
		}
	}
	files, all := lfsPointers(t)
	if len(files) > 0 {
		names = append(names, fmt.Sprintf("%s of Git LFS: %s", count(len(files), "file"), shorten(files)))
	}
	if !all {
		names = append(names, "what else .gitattributes gives to Git LFS: its patterns ask for too "+
			"much work to be looked through")
	}
	return names
}

// submodules lists the paths in .gitmodules that are empty in the checkout.
func submodules(t *checkout.Tree) []string {
	data, _ := t.Read(".gitmodules")
	file := ini.Parse(data)
	var paths []string
	for name, section := range file {
		p := path.Clean(strings.Trim(section["path"], `"`))
		if strings.HasPrefix(name, "submodule ") && section["path"] != "" && len(t.List(p)) == 0 {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}

// maxGitlinks bounds how many folders are named.
const maxGitlinks = 20

// gitlinks are the empty folders: git keeps no folder without a file, so each stands for a submodule.
func gitlinks(t *checkout.Tree) []string {
	var paths []string
	for _, p := range t.Paths {
		if t.File(p).Dir && len(t.List(p)) == 0 && len(paths) < maxGitlinks {
			paths = append(paths, p)
		}
	}
	return paths
}

// Pointer files are smaller than 1024 bytes by the Git LFS specification. The three lines that
// every pointer has take more than 100.
const (
	minPointer = 100
	maxPointer = 1024
)

// lfsPointers lists the files that .gitattributes assigns to Git LFS and that are small enough to
// be pointers. A folder's own rules outrank those above it, and a later rule outranks an earlier
// one. all is false when the patterns ask for more work than the bounds allow.
func lfsPointers(t *checkout.Tree) (found []string, all bool) {
	rules := filterRules(t)
	if len(rules) == 0 {
		return nil, true
	}
	length := 0
	for _, r := range rules {
		length += r.length
	}
	work := 0
	for _, p := range t.Paths {
		f := t.File(p)
		if f.Dir || f.Link != "" || f.Size < minPointer || f.Size >= maxPointer {
			continue
		}
		if work += length * len(p); work > maxMatching {
			return found, false
		}
		if filterOf(rules, p) == "lfs" {
			found = append(found, p)
		}
	}
	return found, true
}

// filterRule is one line of a .gitattributes that sets or unsets filter.
type filterRule struct {
	dir     string
	pattern *regexp.Regexp // matched against the path relative to dir
	length  int            // of the pattern as written
	filter  string
}

// Bounds on the work that a repository can ask for.
const (
	maxFilterRules   = 256
	maxAttributeLine = 2048 // as in git (attr.h): longer lines are skipped
	// maxMatching is in bytes of a pattern times bytes of a path: the time of one match grows with
	// this product. Each unit takes up to some 30 ns.
	maxMatching = 1 << 27
)

func filterRules(t *checkout.Tree) []filterRule {
	var rules []filterRule
	for _, p := range attributeFiles(t) {
		data, _ := t.Read(p)
		rules = append(rules, parseAttributes(path.Dir(p), data, maxFilterRules-len(rules))...)
	}
	return rules
}

// attributeFiles are sorted by depth.
func attributeFiles(t *checkout.Tree) []string {
	var files []string
	for _, p := range t.Paths {
		if path.Base(p) == ".gitattributes" {
			files = append(files, p)
		}
	}
	slices.SortStableFunc(files, func(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") })
	return files
}

// parseAttributes returns at most the first max rules.
func parseAttributes(dir string, data []byte, max int) []filterRule {
	var rules []filterRule
	for line := range strings.SplitSeq(string(data), "\n") {
		fields := strings.Fields(line)
		if len(line) > maxAttributeLine || len(fields) < 2 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		for _, attr := range fields[1:] {
			name, value, _ := strings.Cut(attr, "=")
			if strings.TrimLeft(name, "-!") != "filter" {
				continue
			}
			if len(rules) == max {
				return rules
			}
			rules = append(rules, filterRule{dir, gitPattern(fields[0]), len(fields[0]), value})
		}
	}
	return rules
}

// gitPattern translates a pattern of gitattributes(5). Without a slash the pattern matches the last
// part of a path, else the whole path.
func gitPattern(p string) *regexp.Regexp {
	anchored := strings.Contains(p, "/")
	p = strings.TrimPrefix(p, "/")
	var b strings.Builder
	b.WriteString("^")
	if !anchored {
		b.WriteString("(?:.*/)?")
	}
	for p != "" {
		switch {
		case strings.HasPrefix(p, "**/"):
			b.WriteString("(?:.*/)?")
			p = p[3:]
		case strings.HasPrefix(p, "**"):
			b.WriteString(".*")
			p = p[2:]
		case p[0] == '*':
			b.WriteString("[^/]*")
			p = p[1:]
		case p[0] == '?':
			b.WriteString("[^/]")
			p = p[1:]
		case p[0] == '[' && strings.Contains(p, "]"):
			end := strings.Index(p, "]")
			b.WriteString(class(p[1:end]))
			p = p[end+1:]
		default:
			b.WriteString(regexp.QuoteMeta(p[:1]))
			p = p[1:]
		}
	}
	b.WriteString("$")
	re, err := regexp.Compile(b.String())
	if err != nil { // such as a reversed range, which in git matches nothing
		return regexp.MustCompile(`[^\s\S]`)
	}
	return re
}

func class(chars string) string {
	not := ""
	if strings.HasPrefix(chars, "!") || strings.HasPrefix(chars, "^") {
		not, chars = "^", chars[1:]
	}
	escape := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `^`, `\^`)
	return "[" + not + escape.Replace(chars) + "]"
}

func filterOf(rules []filterRule, p string) string {
	filter := ""
	for _, r := range rules {
		rel, below := p, true
		if r.dir != "." {
			rel, below = strings.CutPrefix(p, r.dir+"/")
		}
		if !below {
			continue
		}
		if r.pattern.MatchString(rel) {
			filter = r.filter
		}
	}
	return filter
}
