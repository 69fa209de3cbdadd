package suite

import (
	"regexp"
	"slices"

	"vivarium/pipeline/python/checkout"
)

var (
	namesPytest = regexp.MustCompile(`\bpytest\b`)
	namesEither = regexp.MustCompile(`\b(?:pytest|unittest)\b`)
)

// ByOwn is a suite of the repository's own commands, which setting holds.
func ByOwn(commands []checkout.Command, setting string) Suite {
	s := Suite{Program: Own, Runs: slices.Clone(commands), Why: setting}
	for i, c := range commands {
		s.Runs[i] = reported(c)
	}
	if len(commands) == 0 {
		s.Why += " names no command"
	}
	if slices.ContainsFunc(commands, func(c checkout.Command) bool { return names(c, namesPytest) }) {
		s.NeedsPytest = setting + " names it"
	}
	return s
}

// Reports says whether a command of the repository's own must come to a summary of unittest or of
// pytest: it names one of them.
func Reports(c checkout.Command) bool { return names(c, namesEither) }

func names(c checkout.Command, program *regexp.Regexp) bool {
	argv := c.Argv
	if c.Shown != nil {
		argv = c.Shown
	}
	return slices.ContainsFunc(argv, program.MatchString)
}
