package python

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/ini"
	"vivarium/sandbox/quantity"
)

// Checks are the flake8 codes that fail a build: code that cannot run or cannot mean what it says
// (E9 syntax, F63 and F7 misuse of constructs, F82 undefined names).
const Checks = "E9,F63,F7,F82"

// flake8Excludes is flake8's own default, which a repository's exclude replaces.
var flake8Excludes = []string{
	".svn", "CVS", ".bzr", ".hg", ".git", "__pycache__", ".tox", ".nox", ".eggs", "*.egg",
}

// parallelFrom is the number of files from which flake8's worker processes save more time than they
// take to start (measured: six files, 0.6 s in one process, 1.2 s in two).
const parallelFrom = 32

// lintCommand runs the image's flake8 isolated from the repository. Python's isolation keeps a
// module of the repository that is named like one of the library's from breaking flake8; flake8's
// isolation keeps the repository's configuration from changing what is checked. What that
// configuration says of files to leave out, and of names that are built in, is read here and passed
// on.
func lintCommand(t *checkout.Tree, cpus float64) ([]string, error) {
	conf := flake8Config(t)
	exclude := append(words(conf["exclude"]), words(conf["extend-exclude"])...)
	exclude = append(exclude, words(conf["extend_exclude"])...)
	if conf["exclude"] == "" {
		exclude = append(exclude, flake8Excludes...)
	}
	exclude = append(exclude, ownExcludes(t)...)
	argv := []string{
		"python3", "-I", "-u", "-m", "flake8", "--isolated",
		"--select=" + Checks, "--jobs=" + jobs(t, cpus),
		"--exclude=" + strings.Join(exclude, ","),
	}
	if names := identifiers(conf["builtins"]); len(names) > 0 {
		argv = append(argv, "--builtins="+strings.Join(names, ","))
	}
	argv = append(argv, ".")
	return argv, checkLint(argv)
}

// maxLint bounds flake8's command line, in bytes. A kernel accepts no argument of 128 KiB or more
// (MAX_ARG_STRLEN), and PID 1 no command of 1 MiB.
const maxLint = 64 << 10

// checkLint refuses a command line that could not be run.
func checkLint(argv []string) error {
	all := strings.Join(argv, " ")
	const file = "the configuration of flake8"
	switch {
	case strings.Contains(all, "\x00"):
		return &checkout.Mistake{File: file, Problem: "it holds a NUL byte", Advice: "save it as text"}
	case len(all) > maxLint:
		return &checkout.Mistake{
			File: file,
			Problem: fmt.Sprintf("with the virtual environments in the checkout, what is to be left out "+
				"takes %s, and %s are allowed", quantity.Bytes(int64(len(all))), quantity.Bytes(maxLint)),
			Advice: "name folders instead of files, or take the environments out",
		}
	}
	return nil
}

// flake8Config is the section that flake8 itself would read: that of the first of these files that
// has one.
func flake8Config(t *checkout.Tree) map[string]string {
	for _, name := range []string{"setup.cfg", "tox.ini", ".flake8"} {
		data, _ := t.Read(name)
		file := ini.Parse(data)
		if conf, ok := file["flake8"]; ok {
			return conf
		}
		if _, ok := file["flake8:local-plugins"]; ok {
			return nil
		}
	}
	return nil
}

// ownExcludes are folders that hold other people's code or copies: virtual environments in the
// tree, and the build/ that pip leaves when it installs the project. A build/ of the repository's
// own is linted.
func ownExcludes(t *checkout.Tree) []string {
	var dirs []string
	for _, dir := range t.Environments() {
		dirs = append(dirs, literal(dir))
	}
	if !t.Exists("build") {
		dirs = append(dirs, "./build")
	}
	return dirs
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
