package python

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/requirement"
	"vivarium/pipeline/python/suite"
	"vivarium/sandbox"
)

// Bounds of what is looked at.
const (
	maxFiles    = 500_000 // of the listing
	maxReads    = 2500    // files whose contents are read
	maxReadFile = 1 << 20 // bytes of each
	maxReadAll  = 16 << 20
	maxNames    = 256 << 10 // bytes of the paths in one round
)

// Listing asks a sandbox for the list of files that Reads and Detect begin with.
var Listing = sandbox.SurveyQuery{Dir: sandbox.Workspace, MaxFiles: maxFiles}

// Rounds is how often Reads is asked at most: a requirements file can name further ones.
const Rounds = 5

// Contents asks a sandbox for the files that Reads named.
func Contents(paths []string) sandbox.ReadQuery {
	return sandbox.ReadQuery{Dir: sandbox.Workspace, Paths: paths, MaxBytes: maxReadFile, MaxTotal: maxReadAll}
}

// Reads names the files whose contents decide how the checkout is built, and which the survey does
// not hold yet. Those that matter most come first, since they are bounded in number and size.
func Reads(s sandbox.Survey) []string {
	t := checkout.New(s)
	read := reading{tree: t, seen: map[string]bool{}}
	envs := checkout.NewFolders(t.Environments())
	var byRank [ranks][]string
	for _, p := range t.Paths {
		if r := rank(p); r < ranks && !envs.Hold(p) {
			byRank[r] = append(byRank[r], p)
		}
	}
	for r, paths := range byRank {
		slices.SortStableFunc(paths, func(a, b string) int { return cmp.Compare(depth(a), depth(b)) })
		for _, p := range paths {
			read.add(p)
		}
		if r != rankTests {
			read.included(paths)
		}
	}
	return read.paths
}

// reading collects paths as far as the bounds allow.
type reading struct {
	tree  *checkout.Tree
	paths []string // to be read now
	seen  map[string]bool
	bytes int64
	names int
}

// add takes the file at p, or the one that a link at p leads to.
func (r *reading) add(p string) {
	f, ok := r.tree.Resolve(p)
	if !ok || f.Dir || r.seen[f.Path] || f.Size > maxReadFile {
		return
	}
	if len(r.seen) == maxReads || r.bytes+f.Size > maxReadAll || r.names+len(f.Path) > maxNames {
		return
	}
	r.seen[f.Path] = true
	r.bytes += f.Size
	if !r.tree.Held(f.Path) {
		r.names += len(f.Path)
		r.paths = append(r.paths, f.Path)
	}
}

// toxIncludes are requirements files that tox installs from.
var toxIncludes = regexp.MustCompile(`-r\s*(?:\{(?:toxinidir|tox_root)\}/)?([\w./-]+)`)

// included takes the files that some files include whose contents are known.
func (r *reading) included(paths []string) {
	lists := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return !isRequirements(p) })
	for _, missing := range requirement.Read(r.tree, lists...).Missing {
		r.add(missing)
	}
	for _, p := range paths {
		data, _ := r.tree.Read(p)
		if path.Base(p) == "tox.ini" {
			for _, m := range toxIncludes.FindAllSubmatch(data, 20) {
				r.add(path.Join(path.Dir(p), string(m[1])))
			}
		}
		if suite.IsScript(p) {
			for _, program := range suite.RunBy(data) {
				r.add(program)
			}
		}
	}
}

func depth(p string) int { return strings.Count(p, "/") }

// What a file's contents can decide, what matters most first.
const (
	rankProject      = iota // which project this is, and on which Python
	rankRequirements        // what is installed
	rankTests               // which tests there are, and how they run
	rankScripts             // what the repository's own CI runs
	ranks
)

// rank is what the file's name promises.
func rank(p string) int {
	base := path.Base(p)
	lower := strings.ToLower(base)
	switch {
	case projectFiles[lower]:
		return rankProject
	case isRequirements(p):
		return rankRequirements
	case strings.HasSuffix(lower, ".py") && testLike(p):
		return rankTests
	case suite.IsScript(p):
		return rankScripts
	}
	return ranks
}

// projectFiles are read wherever they stand, by their names in lower case.
var projectFiles = map[string]bool{
	pyproject: true, "setup.py": true, "setup.cfg": true, "manage.py": true,
	"tox.ini": true, "pytest.ini": true, ".pytest.ini": true, ".flake8": true,
	"pipfile": true, "pipfile.lock": true, "poetry.lock": true, "uv.lock": true, "pdm.lock": true, "pylock.toml": true,
	"environment.yml": true, "environment.yaml": true,
	".python-version": true, ".python_version": true, "python-version": true, ".python-version.txt": true,
	"runtime.txt": true, ".tool-versions": true,
	".gitmodules": true, ".gitattributes": true, gitignore: true,
	"apt.txt": true, "aptfile": true,
}

// isRequirements reports whether a file may hold requirements: by its own name, misspelt ones
// included, or by that of its folder.
func isRequirements(p string) bool {
	base := strings.ToLower(path.Base(p))
	if !strings.HasSuffix(base, ".txt") && !strings.HasSuffix(base, ".in") && !strings.HasSuffix(base, ".pip") {
		return false
	}
	if parent := path.Base(path.Dir(p)); parent == "requirements" || parent == "reqs" || parent == "requires" {
		return true
	}
	return requirementsName.MatchString(base)
}

var requirementsName = regexp.MustCompile(`re?qu?i?e?re?m|constraint|^requires|^reqs|^deps|^dev[-_.]|^test[-_.]`)

// testLike reports whether a Python file may hold tests or configure them: by its own name or by
// that of a folder.
func testLike(p string) bool {
	base, dir := strings.ToLower(path.Base(p)), strings.ToLower(path.Dir(p))
	if strings.Contains(base, "test") || base == "__init__.py" && strings.Contains(dir, "test") {
		return true
	}
	return slices.ContainsFunc(strings.Split(dir, "/"), func(folder string) bool {
		return folder == "tests" || folder == "test" || folder == "testing"
	})
}
