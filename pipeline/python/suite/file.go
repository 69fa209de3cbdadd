package suite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/source"
)

// file is a Python file that may hold tests.
type file struct {
	path   string
	base   string
	known  bool // what stands in it was read
	source source.File
	pytest bool // it imports pytest
}

// candidates are the Python files of the project's own whose names or folders have to do with
// tests, and those whose contents were read.
func candidates(t *checkout.Tree) []file {
	var foreign []string
	for dir := range t.Foreign() {
		foreign = append(foreign, dir)
	}
	others := checkout.NewFolders(foreign)
	var files []file
	for _, p := range t.Paths {
		if !strings.HasSuffix(p, ".py") || !t.IsFile(p) || others.Hold(p) || hidden(p) {
			continue
		}
		f := file{path: p, base: path.Base(p)}
		var data []byte
		if data, f.known = t.Read(p); f.known {
			f.source = source.Parse(data)
			f.pytest = f.source.ImportsModule("pytest")
		}
		files = append(files, f)
	}
	return files
}

// hidden reports whether a folder of the path begins with a dot, or holds only compiled files.
func hidden(p string) bool {
	return slices.ContainsFunc(strings.Split(path.Dir(p), "/"), func(name string) bool {
		return len(name) > 1 && name[0] == '.' || name == "__pycache__"
	})
}

// moduleName is unittest.loader.VALID_MODULE_NAME: unittest skips files whose names cannot be
// imported.
var moduleName = regexp.MustCompile(`^(?i:[_a-z])[\p{L}\p{N}_]*\.py$`)

func (f file) importable() bool { return moduleName.MatchString(f.base) }

// byDefault reports whether unittest's default pattern, test*.py, finds the file.
func (f file) byDefault() bool { return strings.HasPrefix(f.base, "test") && f.importable() }

// testName is a name that a person takes for that of a test file: the word test or tests at its
// beginning or its end, however it is written.
var testName = regexp.MustCompile(`^(?i:test)|(?i:tests?)$`)

func (f file) looksLikeTest() bool { return NamedAsTest(f.base) }

// NamedAsTest reports whether a person takes a file's name for that of tests.
func NamedAsTest(base string) bool {
	stem, ok := strings.CutSuffix(base, ".py")
	return ok && testName.MatchString(stem)
}

// ByPytest reports whether pytest's default patterns find the file.
func (f file) byPytest() bool {
	return strings.HasPrefix(f.base, "test_") || strings.HasSuffix(f.base, "_test.py")
}

// holdsTests reports whether there may be tests in the file. What is not known may be.
func (f file) holdsTests() bool {
	return !f.known || f.hasCases() || f.pytestStyle() != ""
}

// hasCases reports whether there may be tests for unittest in the file. A class of an unknown
// parent may be a TestCase. A file that unittest takes by its name is believed sooner: tests can be
// made in more ways than are looked for here.
func (f file) hasCases() bool {
	if !f.known || slices.ContainsFunc(f.source.Classes, isCase) || f.defines("load_tests") {
		return true
	}
	return f.byDefault() && (f.source.ImportsModule("unittest") ||
		slices.ContainsFunc(f.source.Classes, func(c source.Class) bool { return len(parents(c)) > 0 }))
}

func (f file) defines(name string) bool {
	return slices.ContainsFunc(f.source.Functions, func(fn source.Function) bool { return fn.Name == name })
}

// isCase reports whether a class may be a TestCase: it has a parent that may be one, and tests of
// its own or a parent that is named so.
func isCase(c source.Class) bool {
	return len(parents(c)) > 0 && (slices.ContainsFunc(c.Methods, isTest) ||
		slices.ContainsFunc(parents(c), func(s string) bool { return strings.Contains(s, "Test") }))
}

func parents(c source.Class) []string {
	return slices.DeleteFunc(slices.Clone(c.Bases), func(s string) bool { return s == "object" })
}

func isTest(fn source.Function) bool { return strings.HasPrefix(fn.Name, "test") }

// pytestStyle names what only pytest finds in the file: a test function outside a TestCase, or a
// class of tests without a parent; empty when there is none.
func (f file) pytestStyle() string {
	for _, fn := range f.source.Functions {
		if isTest(fn) && f.takesFixtures(fn) && !ofUnittest[fn.Name] {
			return fn.Name
		}
	}
	for _, c := range f.source.Classes {
		constructor := func(fn source.Function) bool { return fn.Name == "__init__" }
		if strings.HasPrefix(c.Name, "Test") && len(parents(c)) == 0 && slices.ContainsFunc(c.Methods, isTest) &&
			!slices.ContainsFunc(c.Methods, constructor) { // which pytest does not collect
			return c.Name
		}
	}
	return ""
}

// ofUnittest are functions outside classes that older suites for unittest have.
var ofUnittest = map[string]bool{"test_suite": true, "test_main": true, "testsuite": true, "test_all": true}

// builtinFixtures are the parameters that pytest fills in by itself, and those of its most used
// plug-ins.
var builtinFixtures = map[string]bool{
	"cache": true, "capfd": true, "capfdbinary": true, "caplog": true, "capsys": true, "capsysbinary": true,
	"doctest_namespace": true, "monkeypatch": true, "pytestconfig": true, "record_property": true,
	"recwarn": true, "request": true, "testdir": true, "pytester": true, "tmp_path": true,
	"tmp_path_factory": true, "tmpdir": true, "tmpdir_factory": true, "mocker": true, "benchmark": true,
}

// takesFixtures reports whether pytest could call the function: a helper that takes arguments of
// its own is no test. A file that imports pytest is taken at its word.
func (f file) takesFixtures(fn source.Function) bool {
	return f.pytest || len(fn.Decorators) > 0 ||
		!slices.ContainsFunc(fn.Parameters, func(name string) bool { return !builtinFixtures[name] })
}

// below reports whether the file lies in the folder.
func (f file) below(dir string) bool { return dir == "." || strings.HasPrefix(f.path, dir+"/") }
