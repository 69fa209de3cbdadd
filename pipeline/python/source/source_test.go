package source

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseFindsImports(t *testing.T) {
	for name, c := range map[string]struct {
		text     string
		want     []string
		relative bool
	}{
		"plain":              {"import os, sys as s\n", []string{"os", "sys"}, false},
		"dotted":             {"import a.b\n", []string{"a.b"}, false},
		"from":               {"from a.b import c, d as e\n", []string{"a.b", "a.b.c", "a.b.d"}, false},
		"from, in brackets":  {"from a import (\n    b,  # why\n    c,\n)\n", []string{"a", "a.b", "a.c"}, false},
		"joined by a slash":  {"import a, \\\n  b\n", []string{"a", "b"}, false},
		"relative":           {"from . import x\nfrom ..y import z\n", nil, true},
		"in a function":      {"def f():\n    import a\n", []string{"a"}, false},
		"in a try":           {"try:\n    import a\nexcept ImportError:\n    a = None\n", []string{"a"}, false},
		"behind a colon":     {"try: import a\nexcept ImportError: pass\n", []string{"a"}, false},
		"two in a line":      {"import a; import b\n", []string{"a", "b"}, false},
		"in a comment":       {"# import a\nx = 1  # import b\n", nil, false},
		"in a docstring":     {"\"\"\"\nimport a\n\"\"\"\nimport b\n", []string{"b"}, false},
		"in a string":        {"x = 'import a'; y = \"\\\"import c\"\nimport b\n", []string{"b"}, false},
		"after a bad string": {"x = 'abc\nimport b\n", []string{"b"}, false},
		"byte order mark":    {"\ufeffimport a\r\nimport b\r\n", []string{"a", "b"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := Parse([]byte(c.text))
			got := slices.DeleteFunc(f.Imports, func(s string) bool { return s == "" })
			if !slices.Equal(got, c.want) || f.Relative != c.relative {
				t.Errorf("got %q, relative %v; want %q, %v", got, f.Relative, c.want, c.relative)
			}
		})
	}
}

func TestParseFindsFunctionsAndClasses(t *testing.T) {
	const text = `
import unittest

@pytest.mark.parametrize('n', [1, 2])
@fixture
def test_a(n, tmp_path: Path, *rest, key=None, **more) -> None:
    def inner():
        pass

async def test_b(): pass

class Cart(unittest.TestCase, metaclass=Meta):
    """class Fake:"""
    if True:
        def test_c(self, mock):
            class Local:
                def test_not(self): pass
    @classmethod
    def setUpClass(cls):
        def test_nor(): pass

    class Inner:
        def test_inner(self): pass

class Plain:
	def test_tab(self):
		pass

if sys.version_info > (3,):
    def test_d(): pass
`
	f := Parse([]byte(text))
	want := File{
		Imports: []string{"unittest"},
		Functions: []Function{
			{
				Name:       "test_a",
				Parameters: []string{"n", "tmp_path"},
				Decorators: []string{"pytest.mark.parametrize", "fixture"},
			},
			{Name: "test_b"},
			{Name: "test_d"},
		},
		Classes: []Class{
			{Name: "Cart", Bases: []string{"unittest.TestCase"}, Methods: []Function{
				{Name: "test_c", Parameters: []string{"mock"}},
				{Name: "setUpClass", Parameters: []string{}, Decorators: []string{"classmethod"}},
			}},
			{Name: "Plain", Methods: []Function{{Name: "test_tab", Parameters: []string{}}}},
		},
	}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("got  %+v\nwant %+v", f, want)
	}
}

func TestParseSeesWhatRunsOnImport(t *testing.T) {
	for text, want := range map[string]struct{ main, unguarded, exits bool }{
		"import unittest\nif __name__ == '__main__':\n    unittest.main()\n":          {main: true},
		"import unittest\nif __name__ == '__main__': unittest.main()\n":               {main: true},
		"import unittest\nunittest.main()\n":                                          {main: true, unguarded: true},
		"from unittest import main\nmain()\n":                                         {main: true, unguarded: true},
		"import unittest\ndef go():\n    unittest.main()\n":                           {main: true},
		"import app\nmain()\n":                                                        {},
		"import sys\nsys.exit(0)\n":                                                   {exits: true},
		"import sys\nif __name__ == '__main__':\n    sys.exit(main())\n":              {},
		"import sys\ndef f():\n    sys.exit(0)\n":                                     {},
		"import sys\nif sys.version_info < (3,):\n    sys.exit('too old')\n":          {},
		"import unittest\nif __name__ == \"__main__\":\n  if x:\n    unittest.main()": {main: true},
	} {
		f := Parse([]byte(text))
		if f.Main != want.main || f.Unguarded != want.unguarded || f.Exits != want.exits {
			t.Errorf("%q: got main %v, unguarded %v, exits %v; want %+v", text, f.Main, f.Unguarded, f.Exits, want)
		}
	}
}

func TestParseIsLinear(t *testing.T) {
	for name, text := range map[string]string{
		"quotes":   strings.Repeat("'", 1<<20),
		"triples":  strings.Repeat(`"""`, 1<<18),
		"brackets": strings.Repeat("(\n", 1<<19),
		"blocks":   strings.Repeat("if x:\n", 1<<17),
		"classes":  strings.Repeat("class A(", 1<<17),
		"commas":   "def f(" + strings.Repeat("a,", 1<<19),
		"imports":  strings.Repeat("import a\n", 1<<16) + strings.Repeat("main()\n", 1<<16),
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			Parse([]byte(text))
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// TestParseTakesMemoryInProportion: an import names its module again with each name that is taken
// from it.
func TestParseTakesMemoryInProportion(t *testing.T) {
	text := "import unittest\nfrom " + strings.Repeat("m", 1<<14) + " import " + strings.Repeat("a,", 1<<17)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f := Parse([]byte(text))
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 128<<20 {
		t.Errorf("%d bytes of imports took %d MiB", len(text), took>>20)
	}
	if !f.ImportsModule("unittest") || !f.ImportsModule(strings.Repeat("m", 1<<14)) {
		t.Error("what is imported first is not seen")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("class A(B, c=d):\n\tdef f(self, a=(1, 2)): pass\n"))
	f.Add([]byte("from . import (a,\n b) ; x = r'\\' \\\n"))
	f.Fuzz(func(t *testing.T, data []byte) { Parse(data) })
}
