// Package pipend reads why pip gave up: over getting packages, or over building one.
package pipend

import (
	"bytes"
	"regexp"

	"vivarium/sandbox"
)

// Reader reads what pip writes to stderr, in the words of pip 23 to 25. A build can write the like, so
// nothing but patience may follow from it.
type Reader struct {
	line    []byte
	getting bool // as of the last reason that was given
	inBuild bool // what is indented is the output of a build
	crashed bool // a traceback of pip's own follows
}

var (
	// noPackage is why pip has not got a package, from any place.
	noPackage = regexp.MustCompile(`^\s*ERROR: (?:` +
		`Could not find a version that satisfies|No matching distribution found|` +
		`HTTP error \d+ while getting|Could not install requirement .* because of HTTP error|` +
		`Could not install packages due to an OSError: .*` +
		`(?:HTTPS?ConnectionPool|Connection|IncompleteRead|[Tt]imed out)|` +
		`THESE PACKAGES DO NOT MATCH THE HASHES|ResolutionImpossible|Cannot install .* conflicting dependencies)` +
		`|^\s*error: (?:incomplete-download|connection-failed|connection-timeout)\b`)
	// pipReason is any reason, with how far it is indented.
	pipReason = regexp.MustCompile(`^(\s*)(?:ERROR|error): (.*)`)
	// program is one that pip ran in vain, and ownPip is one that gets what a build needs.
	program = regexp.MustCompile(`^\s*× (.*)`)
	ownPip  = regexp.MustCompile(`^pip subprocess to install `)
	// network is how a traceback of pip's ends where a connection broke.
	network = regexp.MustCompile(`^pip\._vendor\.(?:urllib3|requests)\.exceptions\.`)
)

// ranInVain comes before the program that it is said of.
const ranInVain = "subprocess-exited-with-error"

// maxReason bounds a line that is read, bytes. The words are at its beginning but for the name of a package.
const maxReason = 1000

// Getting reports whether pip gave up over getting packages, and not over building one.
func (e *Reader) Getting() bool { return e.getting }

// Take takes the next piece of output.
func (e *Reader) Take(stream sandbox.Stream, p []byte) {
	if stream != sandbox.Stderr {
		return
	}
	for len(p) > 0 {
		text, rest, ended := bytes.Cut(p, []byte("\n"))
		e.line = append(e.line, text[:min(len(text), maxReason-len(e.line))]...)
		if ended {
			e.read(string(e.line))
			e.line = e.line[:0]
		}
		p = rest
	}
}

func (e *Reader) read(line string) {
	if m := program.FindStringSubmatch(line); m != nil {
		e.inBuild = !ownPip.MatchString(m[1])
		e.getting = e.getting && !e.inBuild
		return
	}
	if e.crashed && network.MatchString(line) {
		e.getting = true
		return
	}
	m := pipReason.FindStringSubmatch(line)
	switch {
	case m == nil, m[2] == ranInVain, m[1] != "" && e.inBuild:
		return
	}
	e.getting = noPackage.MatchString(line)
	e.inBuild, e.crashed = false, m[2] == "Exception:"
}
