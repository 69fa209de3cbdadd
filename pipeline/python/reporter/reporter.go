// Package reporter holds the Python programs that run a repository's tests and report how each one
// ends, out of band, to who watches over the sandbox.
package reporter

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
)

//go:embed channel.py
var channel string

//go:embed records.py
var records string

//go:embed failures.py
var failures string

//go:embed canaries.py
var canaries string

//go:embed unittests.py
var unittests string

//go:embed told.py
var told string

//go:embed pytests.py
var pytests string

//go:embed others.py
var others string

//go:embed start.py
var start string

// Kind is what runs the tests.
type Kind string

const (
	Unittest Kind = "unittest" // the arguments are those of `python -m unittest`
	Pytest   Kind = "pytest"   // those of `python -m pytest`
	Script   Kind = "script"   // a Python file and its arguments, which runs unittest
)

// sources are the programs of each kind. None holds more than it needs: Python compiles it for each
// run, at some ten milliseconds a thousand lines.
var sources = map[Kind]string{
	Unittest: source([]string{channel, records, canaries, unittests}, failures, told),
	Pytest:   source([]string{channel, records, failures, pytests}),
	Script:   source([]string{channel, records, canaries, unittests, others}, failures, told),
}

// source has a program as a literal, and what of it waits for the first test that does not pass.
func source(now []string, later ...string) string {
	return "source = " + literal(now...) + "\nlater = " + literal(later...) + "\n"
}

// literal is what Python reads as JSON does.
func literal(parts ...string) string {
	text, err := json.Marshal(strings.Join(parts, "\n"))
	if err != nil {
		panic(err) // a string can always be written
	}
	return string(text)
}

// Command is the command line that runs and reports tests, with the interpreter's own options.
func Command(python string, options []string, kind Kind, arguments []string) []string {
	argv := append([]string{python}, options...)
	argv = append(argv, "-c", program(kind), string(kind))
	return append(argv, arguments...)
}

func program(kind Kind) string { return sources[kind] + start }

// Reports tells whether a command line is one of Command's.
func Reports(argv []string) bool {
	i := slices.Index(argv, "-c")
	return i >= 0 && i+2 < len(argv) && argv[i+1] == program(Kind(argv[i+2]))
}

// Selected is the variable that makes a run take only tests at these places, from 0, in the order
// in which it finds them, such as 0-5,17.
const Selected = "VIVARIUM_TESTS"
