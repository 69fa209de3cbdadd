package suite

import (
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/reporter"
)

func TestCommandsThatRunKnownProgramsAreReported(t *testing.T) {
	for line, kind := range map[string]string{
		"python -m unittest":                        "unittest",
		"/e/bin/python3.11 -W error -m pytest -q x": "pytest",
		"python3 -Werror -m pytest -q x":            "pytest",
		"python manage.py test -v 2":                "script",
		"python manage.py migrate":                  "",
		"python -m coverage run -m unittest":        "",
		"python -c print(1)":                        "",
		"pytest":                                    "",
		"make test":                                 "",
	} {
		argv := strings.Fields(line)
		got := reported(checkout.Command{Argv: argv, Dir: "d"})
		if kind == "" {
			if !slices.Equal(got.Argv, argv) || got.Shown != nil || reporter.Reports(got.Argv) {
				t.Errorf("%s: it is another command: %.100q", line, got.Argv)
			}
			continue
		}
		if !reporter.Reports(got.Argv) || !slices.Contains(got.Argv, kind) || !slices.Equal(got.Shown, argv) ||
			got.Dir != "d" {
			t.Errorf("%s: %.100q, shown %q", line, got.Argv, got.Shown)
		}
	}
}

func TestALineForAShellThatOnlyCutsItIsReported(t *testing.T) {
	for line, reports := range map[string]bool{
		"python -m pytest week1/test_cart.py -k total --maxfail=2": true,
		" python3 -m unittest  discover -v ":                       true,
		"python -m pytest && echo done":                            false,
		"python -m pytest 'week 1'":                                false,
		"python -m pytest week*":                                   false,
		"MODE=quick python -m pytest":                              false,
		"make test":                                                false,
	} {
		argv := []string{"/bin/sh", "-ec", line}
		got := ByOwn([]checkout.Command{{Argv: argv}}, "test").Runs[0]
		if reporter.Reports(got.Argv) != reports {
			t.Errorf("%q: runs %.60q", line, got.Argv)
		}
		if reports && !slices.Equal(got.Shown, strings.Fields(line)) || !reports && !slices.Equal(got.Argv, argv) {
			t.Errorf("%q: shown as %q, run as %.60q", line, got.Shown, got.Argv)
		}
	}
}
