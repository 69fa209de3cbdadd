package suite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/reporter"
)

// reported is a command that runs tests as the given one does and reports how each one ends; the
// log shows the given one. A command of which that is not known stays as it is.
func reported(c checkout.Command) checkout.Command {
	argv := wordsOf(c.Argv)
	if len(argv) < 2 || !isPython(argv[0]) {
		return c
	}
	at := afterOptions(argv)
	if at >= len(argv) || slices.Contains(argv[:at], "-c") {
		return c
	}
	options, rest := argv[1:at], argv[at:]
	switch {
	case len(rest) > 1 && rest[0] == "-m" && rest[1] == "unittest":
		return instead(c, argv, reporter.Command(argv[0], options, reporter.Unittest, rest[2:]))
	case len(rest) > 1 && rest[0] == "-m" && rest[1] == "pytest":
		return instead(c, argv, reporter.Command(argv[0], options, reporter.Pytest, rest[2:]))
	case path.Base(rest[0]) == "manage.py" && slices.Contains(rest, "test"):
		return instead(c, argv, reporter.Command(argv[0], options, reporter.Script, rest))
	}
	return c
}

// plain is a command line that a shell only cuts at its spaces.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+ -]+$`)

// wordsOf are those of a command: the line's, where a shell is given one that it would only cut into
// them.
func wordsOf(argv []string) []string {
	if len(argv) == 3 && argv[0] == "/bin/sh" && argv[1] == "-ec" && plain.MatchString(argv[2]) {
		return strings.Fields(argv[2])
	}
	return argv
}

// afterOptions is where in a command line of Python its own options end.
func afterOptions(argv []string) int {
	at := 1
	for at < len(argv) && argv[at] != "-m" && strings.HasPrefix(argv[at], "-") {
		if argv[at] == "-W" || argv[at] == "-X" { // whose value is the next word
			at++
		}
		at++
	}
	return at
}

func isPython(program string) bool {
	version, ok := strings.CutPrefix(path.Base(program), "python")
	return ok && strings.Trim(version, "0123456789.") == ""
}

func instead(c checkout.Command, shown, argv []string) checkout.Command {
	c.Shown, c.Argv = shown, argv
	return c
}
