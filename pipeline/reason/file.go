package reason

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// file says of a file that is not there why that is so.
func file(k *Known, e *Evidence) Why {
	name := ""
	if m := noFile.FindStringSubmatch(e.Reason); m != nil {
		name = m[1]
	} else if name = e.asked("file"); name == "" || !strings.Contains(e.Reason, name) {
		return Why{}
	}
	at, ours := k.below(name)
	switch {
	case !ours && (strings.HasPrefix(name, "/home/") || strings.HasPrefix(name, "/Users/")):
		return Why{Text: name + " is a path of another machine"}
	case !ours && !strings.HasPrefix(name, "/tmp/"):
		return Why{Text: name + " is not in the image " + k.Image}
	case !ours || k.has(at): // made and removed while the tests ran
		return Why{}
	}
	return Why{Text: at + " is not in the repository" + k.because(at)}
}

// because says why a path is not in the repository, as the end of a sentence; empty where nothing
// tells.
func (k *Known) because(at string) string {
	if by := k.ignoredBy(at); by != "" {
		return ": " + by + " leaves it out"
	}
	if folder := path.Dir(at); folder != "." && !k.has(folder) {
		if !k.has(path.Dir(folder)) && path.Dir(folder) != "." {
			return ""
		}
		return fmt.Sprintf(", nor is %s: git keeps no empty folder", folder)
	}
	if other := k.elsewhere(path.Base(at)); other != "" {
		return fmt.Sprintf(": there is %s, and tests run in %s", other, k.where())
	}
	return ""
}

func (k *Known) where() string {
	if k.Dir == "" {
		return "the root"
	}
	return k.Dir
}

// maxRules bounds the lines of all .gitignore files that are looked at.
const maxRules = 2000

// ignoredBy is the line of a .gitignore that leaves a path out, as FILE:LINE; empty where none does.
func (k *Known) ignoredBy(p string) string {
	rules := k.rules()
	parts := strings.Split(p, "/")
	for n := 1; n <= len(parts); n++ {
		by := ""
		for _, r := range rules {
			switch r.pattern.Match(parts[:n], n < len(parts)) {
			case gitignore.Exclude:
				by = r.place
			case gitignore.Include:
				by = ""
			}
		}
		if by != "" {
			return by
		}
	}
	return ""
}

type rule struct {
	pattern gitignore.Pattern
	place   string
}

func (k *Known) rules() (all []rule) {
	for _, file := range slices.Sorted(maps.Keys(k.Ignore)) {
		var domain []string
		if dir := path.Dir(file); dir != "." {
			domain = strings.Split(dir, "/")
		}
		n := 0
		for line := range strings.Lines(string(k.Ignore[file])) {
			n++
			line = strings.TrimRight(line, " \r\n")
			if line == "" || strings.HasPrefix(line, "#") || len(line) > maxRule || len(all) == maxRules {
				continue
			}
			all = append(all, rule{gitignore.ParsePattern(line, domain), fmt.Sprintf("%s:%d", file, n)})
		}
	}
	return all
}

// maxRule bounds a line of a .gitignore, in bytes.
const maxRule = 300
