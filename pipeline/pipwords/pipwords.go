// Package pipwords reads in what pip prints why an installation failed, and says it in one sentence
// with the place of the requirement that led to it. What a build prints is a repository's word: it
// makes a sentence for people and decides nothing.
package pipwords

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/lines"
	"vivarium/pipeline/python/requirement"
	"vivarium/sandbox"
)

// Reader reads why an installation failed, in the words of pip 23 to 25.
type Reader struct {
	Root         string            // where the checkout stands in the sandbox
	Dir          string            // where pip ran, below the checkout; empty is the root
	Requirements map[string][]byte // requirements files by path, in which lines are looked up
	Project      map[string][]byte // other files that name requirements by path, such as pyproject.toml
	Index        Index             // nil where nothing is known of it

	list      findings.List
	lines     map[sandbox.Stream]*lines.Cutter
	places    *places
	conflict  conflict
	asked     subject         // what pip is looking at
	obtained  bool            // the checkout itself is installed
	collected map[string]bool // normalized names of what pip got from the index
	build     build
	hashes    bool   // the next line names a requirement whose hash is wrong or lacking
	ignored   string // versions that the index has, for other releases of Python
	lacking   string // the project that was asked for last and not found
	gaveUp    string // the last reason in pip's own words
}

// Index is what is known of a package index besides what pip says. Projects have normalized names.
type Index interface {
	Offered(project string) bool // it named a file of the project, whatever that is for
	Absent(project string) bool  // it answered that it has no such project
}

// subject is the project that pip is looking at.
type subject struct {
	name    string // as pip writes it; empty where it is the checkout itself
	version string // empty while it is not known
	by      string // who wants it, where that is another project
}

// mostFindings bounds how many reasons are kept: the first one is what is shown.
const mostFindings = 20

var (
	// unsatisfied names a requirement, who asks for it where that is not the command line, and what
	// the index has.
	unsatisfied = regexp.MustCompile(`^ERROR: Could not find a version that satisfies the requirement ` +
		`(.+?)(?: \(from (.+)\))? \(from versions: (.*)\)$`)
	// ignored lists what the index has for other releases, such as "2.0 Requires-Python >=3.12; 2.1
	// Requires-Python >=3.12".
	ignored = regexp.MustCompile(`^ERROR: Ignored the following versions that require a different python ` +
		`version: (.+)$`)
	// invalid is a line that pip cannot read.
	invalid = regexp.MustCompile(`^ERROR: (Invalid requirement: .+?):? \(from line (\d+) of (.+)\)$`)
	// noFile is a requirements file that is not there.
	noFile = regexp.MustCompile(`^ERROR: Could not open requirements file: .*No such file or directory: '(.+)'$`)
	// anotherPython is what pip says of a project that it has built.
	anotherPython = regexp.MustCompile(`^ERROR: Package '(.+)' requires a different Python: (\S+) not in '(.+)'$`)
	// wrongHash and noHash come before lines that name the requirements.
	wrongHash = regexp.MustCompile(`^ERROR: THESE PACKAGES DO NOT MATCH THE HASHES`)
	noHash    = regexp.MustCompile(`^ERROR: Hashes are required in --require-hashes mode`)
	// collecting and obtaining begin what pip does with one project.
	collecting = regexp.MustCompile(`^Collecting (\S+)(?: \(from (.+)\))?$`)
	obtaining  = regexp.MustCompile(`^Obtaining (\S+)`)
	fetched    = regexp.MustCompile(`^  (?:Downloading|Using cached) \S*?([^/\s]+)-(\d[^-\s]*?)` +
		`(?:\.tar\.gz|\.zip|-\S+\.whl)\b`)
	installing = regexp.MustCompile(`^\s*(?:Building (?:wheel|editable) for|` +
		`Running setup\.py (?:install|develop) for) (\S+)`)
	// pipReason is how pip begins a reason.
	pipReason = regexp.MustCompile(`^(?:ERROR|error): (.+)$`)
	// wrapper is a reason that only says that there is one.
	wrapper = regexp.MustCompile(`^(?:subprocess-exited-with-error|metadata-generation-failed|legacy-install-failure|` +
		`failed-wheel-build|Exception:|ResolutionImpossible|Could not build wheels|Failed to build|No matching)`)
)

// Take takes the next piece of output.
func (r *Reader) Take(stream sandbox.Stream, p []byte) {
	if r.lines == nil {
		r.lines = map[sandbox.Stream]*lines.Cutter{}
	}
	if r.lines[stream] == nil {
		r.lines[stream] = &lines.Cutter{}
	}
	r.lines[stream].Each(p, r.line)
}

// Lacking is the project, by its normalized name, which was asked for in so many words and for whose
// sake pip gave up, since the index lacks it or what it depends on; empty where that was not so.
func (r *Reader) Lacking() string { return r.lacking }

// Constrained are the projects, by their normalized names, whose constraints contradict what is
// asked for, or the index.
func (r *Reader) Constrained() []string { return r.conflict.constrained }

// List is what was read so far.
func (r *Reader) List() findings.List {
	if len(r.list.Findings) > 0 {
		return r.list
	}
	l := r.list
	if f, ok := r.conflict.finding(r.find); ok {
		l.Add(f)
	} else if r.gaveUp != "" {
		l.Add(findings.Finding{Text: r.gaveUp})
	}
	return l
}

func (r *Reader) line(s string) {
	if r.build.line(s) {
		if r.build.ended() {
			r.built(r.build.reason())
		}
		return
	}
	r.conflict.line(s)
	if len(r.list.Findings) == mostFindings || r.named(s) {
		return
	}
	switch {
	case r.hashes:
		r.hash(s)
	case wrongHash.MatchString(s), noHash.MatchString(s):
		r.hashes = true
	default:
		r.reason(s)
	}
}

// named reads what pip is looking at.
func (r *Reader) named(s string) bool {
	if m := collecting.FindStringSubmatch(s); m != nil {
		r.asked = subject{name: requirement.NameOf(m[1]), by: asker(m[2])}
		r.collect(r.asked.name)
		return true
	}
	if m := obtaining.FindStringSubmatch(s); m != nil {
		r.asked, r.obtained = subject{}, r.obtained || strings.Contains(m[1], r.Root)
		return true
	}
	if m := fetched.FindStringSubmatch(s); m != nil && normalized(m[1]) == normalized(r.asked.name) {
		r.asked.version = m[2]
		return true
	}
	m := installing.FindStringSubmatch(s)
	if m != nil && normalized(m[1]) != normalized(r.asked.name) {
		r.asked = subject{name: m[1]}
	}
	return m != nil
}

func (r *Reader) collect(name string) {
	if r.collected == nil {
		r.collected = map[string]bool{}
	}
	if len(r.collected) < maxCollected {
		r.collected[normalized(name)] = true
	}
}

// maxCollected bounds how many projects are remembered.
const maxCollected = 10_000

// reason reads a line in which pip itself says why it gives up.
func (r *Reader) reason(s string) {
	if m := ignored.FindStringSubmatch(s); m != nil {
		r.ignored = m[1]
		return
	}
	if m := unsatisfied.FindStringSubmatch(s); m != nil {
		r.lacking = normalized(asked(m[1], m[2]))
		r.missing(m[1], m[2], m[3])
		r.ignored = ""
		return
	}
	if m := invalid.FindStringSubmatch(s); m != nil {
		line, _ := strconv.Atoi(m[2])
		r.list.Add(findings.Finding{Path: path.Join(r.Dir, m[3]), Line: line, Text: m[1]})
		return
	}
	if m := noFile.FindStringSubmatch(s); m != nil {
		at := r.index().including(m[1])
		r.list.Add(findings.Finding{Path: at.path, Line: at.line, Text: m[1] + " is not in the repository"})
		return
	}
	if m := anotherPython.FindStringSubmatch(s); m != nil {
		r.otherPython(m[1], m[2], m[3])
		return
	}
	if m := unavailable.FindStringSubmatch(s); m != nil {
		r.build.noBackend = true
	} else if m := raised.FindStringSubmatch(s); m != nil && r.build.noBackend {
		r.built(backend(m[2]))
	}
	if m := pipReason.FindStringSubmatch(s); m != nil && !wrapper.MatchString(m[1]) {
		r.gaveUp = m[1]
	}
}

// hash names a requirement whose hash is wrong, or lacking.
func (r *Reader) hash(s string) {
	r.hashes = false
	requirement, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	at := r.find(requirement)
	text := requirement + " has no hash, and other lines have one: give it one, too"
	if strings.HasPrefix(rest, "from ") {
		text = requirement + ": its hash is not that of the file on the index"
	}
	r.list.Add(findings.Finding{Path: at.path, Line: at.line, Text: text})
}

// otherPython names a project that needs another Python than there is.
func (r *Reader) otherPython(name, is, needs string) {
	f := findings.Finding{Text: name + " needs another Python: " + needs + ", and this is " + is}
	at := r.find(name)
	if at.path == "" || r.asked.name == "" {
		at = r.index().saying(requiresPython)
	}
	f.Path, f.Line = at.path, at.line
	r.list.Add(f)
}

var requiresPython = regexp.MustCompile(`requires-python|python_requires`)
