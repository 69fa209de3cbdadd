// Package reason says what is behind a test that fails, from evidence: what the test asked for and
// did not get, and what is known of the checkout. It makes sentences for people and decides nothing.
package reason

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"vivarium/pipeline/results"
)

// Known is what is known of a build besides its tests. Paths are relative to the checkout, with
// slashes.
type Known struct {
	Root      string              // where the checkout stands in the sandbox
	Dir       string              // the folder that tests run in, below the checkout; empty is the root
	Paths     []string            // of what the checkout holds
	Has       func(p string) bool // whether the checkout holds a file or folder
	Ignore    map[string][]byte   // .gitignore files by path
	Installs  string              // the file whose requirements are installed; empty where none is
	Wanted    map[string]bool     // normalized names of the projects that were asked for
	Declared  map[string]string   // where other projects are declared, by normalized names
	LeftOut   []string            // normalized names of what was left out, since the index lacks it
	Image     string              // the runner image
	History   bool                // tags and history were fetched
	IndexOpen bool                // the package index is open to tests
}

// Evidence is what is known of one failure.
type Evidence struct {
	Reason string // what was raised, such as "ModuleNotFoundError: No module named 'x'"; may be its message alone
	Trace  string // its traceback; may be empty
	Asked  []results.Asked
}

// Why is what is behind a failure.
type Why struct {
	Text string // empty where no more is known than what was raised
	// Alone says that no test's name is needed: whatever imports the file fails.
	Alone bool
}

// explainers, the surest first: each returns an empty Why where it knows nothing.
var explainers = []func(*Known, *Evidence) Why{
	hides, python2, module, variable, program, gitHistory, pipInTest, host, service, input, onImport, display,
	file, readOnly,
}

// Explain says what is behind a failure.
func (k *Known) Explain(e Evidence) Why {
	for _, explain := range explainers {
		if why := explain(k, &e); why.Text != "" {
			return why
		}
	}
	return Why{}
}

// asked is the first thing of a kind that was asked for.
func (e *Evidence) asked(kind string) string {
	i := slices.IndexFunc(e.Asked, func(a results.Asked) bool { return a.Kind == kind })
	if i < 0 {
		return ""
	}
	return e.Asked[i].Name
}

// all is the evidence as text.
func (e *Evidence) all() string { return e.Reason + "\n" + e.Trace }

// last is the last frame of the traceback, as file and the name of what ran there.
func (e *Evidence) last() (file, function string) {
	all := frame.FindAllStringSubmatch(e.Trace, -1)
	if len(all) == 0 {
		return "", ""
	}
	m := all[len(all)-1]
	return m[1], m[2]
}

var frame = regexp.MustCompile(`(?m)^\s+File "([^"]+)", line \d+, in (\S+)`)

// has reports whether the checkout holds a file or folder.
func (k *Known) has(p string) bool {
	return k.Has != nil && k.Has(p)
}

// elsewhere is the first path, in their order, whose end is p; empty when there is none.
func (k *Known) elsewhere(p string) string {
	var found []string
	for _, name := range k.Paths {
		if strings.HasSuffix(name, "/"+p) {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return slices.MinFunc(found, func(a, b string) int {
		if n := strings.Count(a, "/") - strings.Count(b, "/"); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
}

// below is a path of the sandbox as one of the checkout; ok is false for one outside it.
func (k *Known) below(p string) (string, bool) {
	if !path.IsAbs(p) {
		p = path.Join(k.Root, k.Dir, p)
	}
	rest, ok := strings.CutPrefix(path.Clean(p), k.Root+"/")
	return rest, ok
}
