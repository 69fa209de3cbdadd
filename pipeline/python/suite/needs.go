package suite

import "path"

// needsPytest says why only pytest can run the project's tests; empty when unittest can, or when
// there are none.
func (c *chooser) needsPytest() string {
	for _, f := range c.files {
		if f.pytest && (f.looksLikeTest() || f.base == "conftest.py" || inTests(f)) {
			return f.path + " imports pytest"
		}
	}
	for _, f := range c.files {
		if name := f.pytestStyle(); name != "" && (f.byPytest() || c.config.matches(f.base)) {
			return f.path + " has " + name + " outside a TestCase"
		}
	}
	if !c.anyTests() {
		return ""
	}
	if c.config.file != "" {
		return c.config.file + " configures it"
	}
	for _, f := range c.files {
		if data, ok := c.tree.Read(f.path); f.base == "conftest.py" && ok && len(data) > 0 {
			return "there is a " + f.path
		}
	}
	for _, f := range c.files {
		if f.hasCases() && f.looksLikeTest() {
			return ""
		}
	}
	for _, f := range c.files { // nothing for unittest: what has an unusual name counts too
		if name := f.pytestStyle(); name != "" && f.looksLikeTest() && f.importable() {
			return f.path + " has " + name + " outside a TestCase"
		}
	}
	return ""
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
