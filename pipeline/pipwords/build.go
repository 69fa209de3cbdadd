package pipwords

import (
	"path"
	"regexp"
	"strconv"
	"strings"
)

// build reads what a program prints that pip runs to build a project. pip shows it indented, below a
// line that says how long it is, once the program has failed.
type build struct {
	inside    bool
	over      bool // the output has just come to its end
	noBackend bool // a traceback of pip's own follows, about the build's backend
	why       fault
	trace     trace
}

// fault is why a build failed.
type fault struct {
	rank int    // how much it tells
	file string // in which it stands, as the program names it; may be empty
	line int
	text string // with the file as its subject
}

// Ranks of faults: the last one of the highest rank is the reason.
const (
	unknown    = iota
	anyError   // error: and some words
	traceback  // an exception
	understood // one of those below
)

var (
	outputBegins = regexp.MustCompile(`^\s*╰─> \[\d+ lines? of output\]$`)
	outputEnds   = regexp.MustCompile(`^\s*\[end of output\]$`)
	// header is what a C compiler says of a header that is not there.
	header = regexp.MustCompile(`^\s*([^\s:]+):(\d+):\d+: fatal error: (\S+): No such file or directory$`)
	// noProgram is what setuptools says of a program that is not there.
	noProgram = regexp.MustCompile(`(?:error: |Error: )?(?:command '([^']+)' failed: No such file or directory|` +
		`unable to execute '([^']+)': No such file or directory|` +
		`\[Errno 2\] No such file or directory: '([^'/]+)'$)`)
	// twoPackages is what setuptools says of a checkout that it cannot guess from.
	twoPackages = regexp.MustCompile(`error: Multiple top-level (packages|modules) discovered in a flat-layout: \[(.+)\]`)
	noFolder    = regexp.MustCompile(`error: package directory '(.+)' does not exist`)
	// needs is a requirement of a build that the index lacks.
	needs = regexp.MustCompile(`^\s*ERROR: Could not find a version that satisfies the requirement ` +
		`(.+?)(?: \(from .+\))? \(from versions: (.*)\)$`)
	errorLine   = regexp.MustCompile(`^\s*(?:error|ERROR|Error): (.+)$`)
	unavailable = regexp.MustCompile(`BackendUnavailable\b`)
)

// line reads a line; false where it is no output of a build.
func (b *build) line(s string) bool {
	b.over = false
	switch {
	case !b.inside && outputBegins.MatchString(s):
		*b = build{inside: true}
	case b.inside && outputEnds.MatchString(s):
		b.inside, b.over = false, true
	case b.inside:
		b.read(s)
	default:
		return false
	}
	return true
}

func (b *build) ended() bool { return b.over }

// reason is why the build failed.
func (b *build) reason() fault { return b.why }

func (b *build) keep(f fault) {
	if f.rank >= b.why.rank && b.why.rank < understood {
		b.why = f
	}
}

func (b *build) read(s string) {
	if f, done := b.trace.line(s); done {
		b.keep(f)
		return
	}
	if m := header.FindStringSubmatch(s); m != nil {
		line, _ := strconv.Atoi(m[2])
		b.keep(fault{understood, m[1], line, "the header " + m[3] + " is not in the image" + providedBy(m[3])})
		return
	}
	if m := noProgram.FindStringSubmatch(s); m != nil && b.trace.file == "" {
		b.keep(fault{understood, "", 0, "the program " + m[1] + m[2] + m[3] + " is not in the image"})
		return
	}
	if m := twoPackages.FindStringSubmatch(s); m != nil {
		b.keep(fault{understood, "pyproject.toml", 0, "setuptools cannot tell which of " +
			strings.ReplaceAll(m[2], "'", "") + " is the package: name it in [tool.setuptools] packages"})
		return
	}
	if m := noFolder.FindStringSubmatch(s); m != nil {
		b.keep(fault{understood, "setup.py", 0, "the folder " + m[1] +
			", which is to be a package, is not in the repository"})
		return
	}
	if m := needs.FindStringSubmatch(s); m != nil {
		b.keep(fault{understood, "[build-system]", 0, m[1]})
		return
	}
	if m := errorLine.FindStringSubmatch(s); m != nil {
		b.keep(fault{anyError, "", 0, m[1]})
	}
}

// headers are well-known headers, each with what has it.
var headers = map[string]string{
	"Python.h": "Python's headers", "libpq-fe.h": "PostgreSQL's client library; psycopg2-binary brings it along",
	"mysql.h": "MySQL's client library; PyMySQL needs none", "ffi.h": "libffi", "openssl/ssl.h": "OpenSSL",
	"libxml/xmlversion.h": "libxml2", "libxml/xpath.h": "libxml2", "zlib.h": "zlib", "jpeglib.h": "libjpeg",
	"lber.h": "OpenLDAP", "sql.h": "unixODBC", "portaudio.h": "portaudio", "cairo.h": "cairo",
	"graphviz/cgraph.h": "graphviz", "curl/curl.h": "libcurl", "yaml.h": "libyaml",
}

func providedBy(header string) string {
	if has := headers[header]; has != "" {
		return " (of " + has + ")"
	}
	return ""
}

// backend is why a backend cannot be imported, by the module that is not there.
func backend(message string) fault {
	f := fault{understood, "pyproject.toml", 0, "its build backend cannot be imported: " + message}
	if m := absent.FindStringSubmatch(message); m != nil {
		module, _, _ := strings.Cut(m[1], ".")
		name := backends[module]
		if name == "" {
			name = "its package"
		}
		f.text = "the build backend " + module + " is not there: name " + name + " in [build-system] requires"
	}
	return f
}

// backends are the packages that hold well-known backends.
var backends = map[string]string{
	"poetry": "poetry-core", "setuptools": "setuptools", "flit_core": "flit_core", "hatchling": "hatchling",
	"pdm": "pdm-backend", "mesonpy": "meson-python", "maturin": "maturin", "scikit_build_core": "scikit-build-core",
	"uv_build": "uv_build", "jupyter_packaging": "jupyter-packaging",
}

// ofSource is a path of a source that pip unpacked, below the folder of its project.
var ofSource = regexp.MustCompile(`/pip-(?:install|req-build)-[^/]+/[^/]+/(.+)$`)

// relative is a file of a build as people know it: below the checkout, or below the project's own
// source. own is true for the checkout's. It is empty for a file of neither, such as the backend's.
func relative(root, file string) (name string, own bool) {
	if below, ok := strings.CutPrefix(file, root+"/"); ok {
		return below, true
	}
	if m := ofSource.FindStringSubmatch(file); m != nil {
		return m[1], false
	}
	if !path.IsAbs(file) && !strings.HasPrefix(file, "<") {
		return file, true
	}
	return "", false
}
