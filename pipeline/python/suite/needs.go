package suite

import (
	"path"
	"slices"
)

// needsPytest says why only pytest can run the project's tests; empty when unittest can, or when
// there are none.
func (c *chooser) needsPytest() string {
	if slices.ContainsFunc(c.files, func(f file) bool { return c.config.matches(f.base) }) {
		return c.config.file + " says which files hold tests"
	}
	if why := c.asksForPytest(); why != "" || !c.anyTests() {
		return why
	}
	if c.config.file != "" {
		return c.config.file + " configures it"
	}
	if why := c.hasConftest(); why != "" || c.anyCases() {
		return why
	}
	// There is nothing for unittest: what has an unusual name counts too.
	return c.pytestStyle(func(f file) bool { return f.looksLikeTest() && f.importable() })
}

// asksForPytest says which file of tests cannot do without pytest.
func (c *chooser) asksForPytest() string {
	for _, f := range c.files {
		if f.pytest && (f.looksLikeTest() || f.base == "conftest.py" || inTests(f)) {
			return f.path + " imports pytest"
		}
	}
	return c.pytestStyle(func(f file) bool { return f.byPytest() || c.config.matches(f.base) })
}

// pytestStyle says which of the files that count has tests that only pytest sees.
func (c *chooser) pytestStyle(counts func(file) bool) string {
	for _, f := range c.files {
		if name := f.pytestStyle(); name != "" && counts(f) {
			return f.path + " has " + name + " outside a TestCase"
		}
	}
	return ""
}

// hasConftest says that there is a conftest.py with something in it.
func (c *chooser) hasConftest() string {
	for _, f := range c.files {
		if data, ok := c.tree.Read(f.path); f.base == "conftest.py" && ok && len(data) > 0 {
			return "there is a " + f.path
		}
	}
	return ""
}

// anyCases reports whether any file of tests has something for unittest.
func (c *chooser) anyCases() bool {
	return slices.ContainsFunc(c.files, func(f file) bool { return f.hasCases() && f.looksLikeTest() })
}

func (c *chooser) anyTests() bool {
	for _, f := range c.files {
		if f.looksLikeTest() && f.holdsTests() {
			return true
		}
	}
	return false
}

// inTests reports whether the file lies in a folder for tests, where helpers of tests lie too.
func inTests(f file) bool {
	for dir := path.Dir(f.path); dir != "."; dir = path.Dir(dir) {
		if base := path.Base(dir); base == "tests" || base == "test" {
			return true
		}
	}
	return false
}
