package suite

import (
	"bytes"
	"fmt"
	"path"

	"vivarium/pipeline/python/checkout"
)

// byDjango runs the tests of a Django project by its own manage.py, which knows the settings and
// makes the database. It reports whether there is one.
func (c *chooser) byDjango() bool {
	for _, f := range c.files {
		dir := path.Dir(f.path)
		data, ok := c.tree.Read(f.path)
		if f.base != "manage.py" || path.Dir(dir) != "." || !ok || !bytes.Contains(data, []byte("django")) {
			continue
		}
		var runs, found []file
		for _, g := range c.files {
			if !g.below(dir) || !g.looksLikeTest() || !g.holdsTests() {
				continue
			}
			found = append(found, g)
			if g.byDefault() {
				runs = append(runs, g)
			}
		}
		if len(found) == 0 {
			continue
		}
		c.django(dir, runs)
		return true
	}
	return false
}

func (c *chooser) django(dir string, runs []file) {
	argv := []string{c.options.Python, "manage.py", "test", "-v", "2", "--noinput"}
	c.suite.Program = Django
	c.suite.Runs = []checkout.Command{c.command(dir, argv, nil)}
	c.suite.Why = fmt.Sprintf("%s, by the Django project's own %s", count(len(runs), "test file"),
		path.Join(dir, "manage.py"))
	c.leave(runs, func(f file) string {
		switch {
		case !f.importable():
			return f.unimportable()
		case !f.below(dir):
			return "it lies outside " + dir + "/"
		}
		return "Django runs files named test*.py"
	})
}
