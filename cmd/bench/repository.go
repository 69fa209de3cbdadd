package main

import (
	"fmt"
	"strings"

	"vivarium/images"
	"vivarium/pipeline/python"
	"vivarium/pipeline/python/interpreter"
	"vivarium/sandbox"
	"vivarium/sandbox/egress/egresstest"
)

// dependencies are the packages that the small repository needs from the index.
func dependencies() []egresstest.File {
	return []egresstest.File{
		egresstest.Wheel("greeting", "1.0",
			map[string]string{"greeting.py": "def hello(name):\n    return f'Hello, {name}!'\n"}, "polite>=2"),
		egresstest.Wheel("polite", "2.1", map[string]string{"polite.py": "PLEASE = 'please'\n"}),
	}
}

// smallRepository has requirements, a handful of modules and twenty tests. Each n gives another
// commit.
func smallRepository(n int) map[string]string {
	files := map[string]string{
		"README.md":        fmt.Sprintf("Commit %d.\n", n),
		"requirements.txt": "greeting==1.0\n",
		"app/__init__.py":  "",
	}
	for i := range 5 {
		files[fmt.Sprintf("app/part%d.py", i)] = fmt.Sprintf(
			"import greeting\n\n\ndef answer(x):\n    return greeting.hello(x * %d)\n", i+1)
	}
	var tests strings.Builder
	tests.WriteString("import unittest\n\nfrom app import part0\n\n\nclass TestApp(unittest.TestCase):\n")
	for i := range 20 {
		fmt.Fprintf(&tests, "    def test_%d(self):\n        self.assertEqual(part0.answer('x%d'), 'Hello, x%d!')\n\n",
			i, i, i)
	}
	files["tests/__init__.py"] = ""
	files["tests/test_app.py"] = tests.String()
	return files
}

// planOf asks the pipeline itself what it would run, so that the script runs the same.
func planOf(files map[string]string) (python.Plan, error) {
	survey := sandbox.Survey{Contents: map[string][]byte{}}
	dirs := map[string]bool{}
	for _, path := range sortedKeys(files) {
		if dir, _, nested := strings.Cut(path, "/"); nested && !dirs[dir] {
			dirs[dir] = true
			survey.Files = append(survey.Files, sandbox.File{Path: dir, Dir: true})
		}
		survey.Files = append(survey.Files, sandbox.File{Path: path, Size: int64(len(files[path]))})
		survey.Contents[path] = []byte(files[path])
	}
	return python.Detect(survey, python.Options{
		Images:  []interpreter.Image{{Name: images.Default, Python: strings.TrimPrefix(images.Default, "python-")}},
		Default: images.Default,
	})
}

// payload is the byte that a large log is made of. Nothing else in a log has many of them.
const payload = '~'

const payloadLine = 100 // bytes, with the line's end

// printer is a Python module that writes a large log, in blocks of whole lines as a program with a
// buffered stdout does.
func printer(bytes int64) string {
	const linesPerBlock = 640
	return fmt.Sprintf(`import sys

def write():
    line = b"%[1]c" * %[2]d + b"\n"
    lines = %[3]d
    while lines > 0:
        n = min(lines, %[4]d)
        sys.stdout.buffer.write(line * n)
        lines -= n
    sys.stdout.buffer.flush()
`, payload, payloadLine-1, bytes/payloadLine, linesPerBlock)
}

// loudRepository has one test, which prints a large log.
func loudRepository(n int, bytes int64) map[string]string {
	return map[string]string{
		"README.md": fmt.Sprintf("Commit %d.\n", n),
		"loud.py":   printer(bytes),
		"test_loud.py": "import unittest\n\nimport loud\n\n\nclass TestLoud(unittest.TestCase):\n" +
			"    def test_loud(self):\n        loud.write()\n",
	}
}
