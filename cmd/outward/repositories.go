package main

// repository is one that is pushed and built.
type repository struct {
	name    string
	private bool
	files   map[string]string
}

const greenTest = "import unittest\n\nimport app\n\n\nclass AddTest(unittest.TestCase):\n" +
	"    def test_add(self):\n        self.assertEqual(app.add(1, 2), 3)\n"

const app = "def add(a, b):\n    return a + b\n"

// repositories are built one after the other, in this order.
var repositories = []repository{
	{"octo/green", false, map[string]string{"app.py": app, "tests/__init__.py": "", "tests/test_app.py": greenTest}},
	{"octo/lint", false, map[string]string{"app.py": app + "\n\ndef broken():\n    return nothing\n",
		"tests/__init__.py": "", "tests/test_app.py": greenTest}},
	{"octo/syntax", false, map[string]string{"app.py": "def add(a, b)\n    return a + b\n"}},
	{"octo/tests", false, map[string]string{"app.py": "def add(a, b):\n    return a - b\n",
		"tests/__init__.py": "", "tests/test_app.py": greenTest}},
	{"octo/import", false, map[string]string{"test_app.py": "import unittest\n\nimport no_such_module\n"}},
	{"octo/install", false, map[string]string{"requirements.txt": "no-such-package==1.0\n", "app.py": app,
		"tests/__init__.py": "", "tests/test_app.py": greenTest}},
	{"octo/no-tests", false, map[string]string{"app.py": app}},
	{"octo/private", true, map[string]string{"app.py": app, "tests/__init__.py": "", "tests/test_app.py": greenTest}},
	{"octo/colours", false, map[string]string{"tests/__init__.py": "",
		"tests/test_out.py": "import sys\nimport unittest\n\n\n" +
			"class OutTest(unittest.TestCase):\n    def test_out(self):\n" +
			"        sys.stdout.write('\\x1b[31mred\\x1b[0m gr\\u00f6\\u00dfer \\x1b]0;title\\x07<b>not bold</b>\\r\\n')\n"}},
	{"octo/memory", false, map[string]string{"pyproject.toml": "[tool.vivarium]\nmemory = \"64MiB\"\n",
		"tests/__init__.py": "", "tests/test_eat.py": "import unittest\n\n\nclass EatTest(unittest.TestCase):\n" +
			"    def test_eat(self):\n        b'x' * (1 << 32)\n"}},
	{"octo/exit", false, map[string]string{"tests/__init__.py": "",
		"tests/test_exit.py": "import os\nimport unittest\n\n\n" +
			"class ExitTest(unittest.TestCase):\n    def test_exit(self):\n        os._exit(0)\n"}},
}
