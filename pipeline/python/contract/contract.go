// Package contract is what lint checks of every repository: flake8's errors that mean that code cannot
// run or cannot mean what it says. It writes flake8's command line, and what the plan says about it.
package contract

import (
	_ "embed"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/ini"
	"vivarium/sandbox/quantity"
)

// Checks are the flake8 codes that fail a build: syntax (E9), misuse of constructs (F63, F7) and
// undefined names (F82). Those of F82 are written out, since newer versions of flake8 count others
// among them that are no errors, such as F824.
const Checks = "E9,F63,F7,F821,F822,F823"

// program makes all versions of flake8 check the same; see there.
//
//go:embed flake8.py
var program string

// defaultExcludes are what flake8 itself leaves out, which a repository's own setting replaces.
var defaultExcludes = []string{
	".svn", "CVS", ".bzr", ".hg", ".git", "__pycache__", ".tox", ".nox", ".eggs", "*.egg",
}

// parallelFrom is the number of files from which flake8's worker processes save more time than they
// take to start (measured: six files, 0.6 s in one process, 1.2 s in two).
const parallelFrom = 32

// Lint is what is linted, and how.
type Lint struct {
	Command checkout.Command
	Notes   []string // what a reader might not expect
}

// Choose writes the command for a project whose files these are. It runs the image's flake8,
// isolated from the repository: Python's isolation keeps a module of the repository that is named
// like one of the library's from breaking flake8; flake8's isolation keeps the repository's
// configuration from changing what is checked. What that configuration says of files to leave out,
// and of names that are built in, is read here and passed on.
func Choose(t *checkout.Tree, cpus float64) (Lint, error) {
	conf := configOf(t)
	exclude := slices.Concat(words(conf.options["exclude"]),
		words(conf.options["extend-exclude"]), words(conf.options["extend_exclude"]))
	if conf.options["exclude"] == "" {
		exclude = append(exclude, defaultExcludes...)
	}
	foreign := t.Foreign()
	for _, f := range sorted(foreign) {
		exclude = append(exclude, literal(f))
	}
	arguments := []string{
		"--isolated", "--select=" + Checks, "--jobs=" + jobs(t, cpus), "--exclude=" + strings.Join(exclude, ","),
	}
	if names := identifiers(conf.options["builtins"]); len(names) > 0 {
		arguments = append(arguments, "--builtins="+strings.Join(names, ","))
	}
	arguments = append(arguments, ".")
	if err := check(arguments); err != nil {
		return Lint{}, err
	}
	return Lint{
		Command: checkout.Command{
			Argv:  append([]string{"python3", "-I", "-u", "-c", program}, arguments...),
			Shown: append([]string{"python3", "-I", "-m", "flake8"}, arguments...),
		},
		Notes: notes(t, conf, foreign),
	}, nil
}

// maxArguments bounds flake8's command line, in bytes. A kernel accepts no argument of 128 KiB or more
// (MAX_ARG_STRLEN), and PID 1 no command of 1 MiB.
const maxArguments = 64 << 10

// check refuses a command line that could not be run.
func check(arguments []string) error {
	all := strings.Join(arguments, " ")
	const file = "the configuration of flake8"
	switch {
	case strings.Contains(all, "\x00"):
		return &checkout.Mistake{File: file, Problem: "it holds a NUL byte", Advice: "save it as text"}
	case len(all) > maxArguments:
		return &checkout.Mistake{
			File: file,
			Problem: fmt.Sprintf("with the virtual environments in the checkout, what is to be left out "+
				"takes %s, and %s are allowed", quantity.Bytes(int64(len(all))), quantity.Bytes(maxArguments)),
			Advice: "name folders instead of files, or take the environments out",
		}
	}
	return nil
}

// config is the section that flake8 itself would read.
type config struct {
	file    string // in which it stands; empty when there is none
	options map[string]string
}

// configOf reads the first of these files that has such a section.
func configOf(t *checkout.Tree) config {
	for _, name := range []string{"setup.cfg", "tox.ini", ".flake8"} {
		data, _ := t.Read(name)
		file := ini.Parse(data)
		if options, ok := file["flake8"]; ok {
			return config{name, options}
		}
		if options, ok := file["flake8:local-plugins"]; ok {
			return config{name, options}
		}
	}
	return config{}
}

// silencing are the settings by which a repository chooses what flake8 tells; they do not change the
// contract.
var silencing = []string{
	"ignore", "extend-ignore", "extend_ignore", "select", "extend-select", "extend_select",
	"per-file-ignores", "per_file_ignores", "disable-noqa", "disable_noqa", "enable-extensions",
	"enable_extensions", "filename", "extension",
}

// notes say what is not linted and what the repository's own settings do not change.
func notes(t *checkout.Tree, conf config, foreign map[string]checkout.Kind) []string {
	var all []string
	var set []string
	for _, name := range silencing {
		if conf.options[name] != "" {
			set = append(set, name)
		}
	}
	if len(set) > 0 {
		all = append(all, fmt.Sprintf("lint checks %s whatever %s sets of flake8: %s",
			Checks, conf.file, strings.Join(set, ", ")))
	}
	var left []string
	for _, f := range sorted(foreign) {
		left = append(left, fmt.Sprintf("%s/ (%s)", f, foreign[f]))
	}
	for _, p := range t.Paths {
		if strings.HasSuffix(p, ".py") && t.File(p).Link != "" && !leads(t, p) {
			left = append(left, fmt.Sprintf("%s (a link that leads nowhere: %s)", p, t.File(p).Link))
		}
	}
	if len(left) > 0 {
		all = append(all, "not linted: "+shorten(left))
	}
	return all
}

// leads reports whether a link leads to something in the checkout.
func leads(t *checkout.Tree, p string) bool {
	_, ok := t.Resolve(p)
	return ok
}

func sorted(foreign map[string]checkout.Kind) []string {
	return slices.Sorted(maps.Keys(foreign))
}

// shorten lists names, the first of many.
func shorten(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// literal writes a path as a pattern of flake8 that matches only this path. A comma or a space
// would end the pattern and cannot be quoted, so ? stands for it.
func literal(p string) string {
	return "./" + strings.Map(func(r rune) rune {
		if strings.ContainsRune(", \t\n\r\f\v*?[", r) {
			return '?'
		}
		return r
	}, p)
}

func jobs(t *checkout.Tree, cpus float64) string {
	files := 0
	for _, p := range t.Paths {
		if strings.HasSuffix(p, ".py") {
			files++
		}
	}
	if files < parallelFrom {
		return "1"
	}
	return strconv.Itoa(max(1, int(math.Ceil(cpus))))
}

// words splits a list as flake8 does: at commas and white space. flake8's syntax has no inline
// comments.
func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool {
		return strings.ContainsRune(", \t\n\r\f\v", r)
	})
}

var identifier = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]*$`)

func identifiers(list string) []string {
	var names []string
	for _, w := range words(list) {
		if identifier.MatchString(w) {
			names = append(names, w)
		}
	}
	return names
}
