package suite

import (
	"path"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/reporter"
)

// reported is a command that runs tests as the given one does and reports how each one ends; the
// log shows the given one. A command of which that is not known stays as it is.
func reported(c checkout.Command) checkout.Command {
	if len(c.Argv) < 2 || !isPython(c.Argv[0]) {
		return c
	}
	at := afterOptions(c.Argv)
	if at >= len(c.Argv) || slices.Contains(c.Argv[:at], "-c") {
		return c
	}
	options, rest := c.Argv[1:at], c.Argv[at:]
	switch {
	case len(rest) > 1 && rest[0] == "-m" && rest[1] == "unittest":
		return instead(c, reporter.Command(c.Argv[0], options, reporter.Unittest, rest[2:]))
	case len(rest) > 1 && rest[0] == "-m" && rest[1] == "pytest":
		return instead(c, reporter.Command(c.Argv[0], options, reporter.Pytest, rest[2:]))
	case path.Base(rest[0]) == "manage.py" && slices.Contains(rest, "test"):
		return instead(c, reporter.Command(c.Argv[0], options, reporter.Script, rest))
	}
	return c
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

func instead(c checkout.Command, argv []string) checkout.Command {
	c.Shown, c.Argv = c.Argv, argv
	return c
}
