package findings

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

type reader interface {
	Write(p []byte) (int, error)
	List() List
}

// read gives a text to the reader whole and byte by byte; both must have the same result.
func read(t *testing.T, make func() reader, text string) List {
	t.Helper()
	whole, cut := make(), make()
	fmt.Fprint(whole, text)
	for _, c := range []byte(text) {
		cut.Write([]byte{c})
	}
	if a, b := whole.List(), cut.List(); !slices.Equal(a.Findings, b.Findings) || a.Total != b.Total {
		t.Errorf("whole: %+v, byte by byte: %+v", a, b)
	}
	return whole.List()
}

func flake8() reader { return &Flake8{} }

func TestFlake8LinesBecomeFindings(t *testing.T) {
	l := read(t, flake8, "./app/x.py:12:5: F821 undefined name 'y'\n./a:b.py:1:2: E999 SyntaxError: 1:2: x\nnoise\n"+
		"./last.py:3:1: F63")
	want := []Finding{
		{Path: "app/x.py", Line: 12, Column: 5, Code: "F821", Text: "undefined name 'y'"},
		{Path: "a:b.py", Line: 1, Column: 2, Code: "E999", Text: "SyntaxError: 1:2: x"},
	}
	if !slices.Equal(l.Findings, want) {
		t.Errorf("got %+v, want %+v", l.Findings, want)
	}
	if got, want := l.Sentence(4), "app/x.py:12:5: F821 undefined name 'y', and 3 more"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (List{}).Sentence(3); got != "" {
		t.Errorf("without a finding: %q", got)
	}
}

func TestPython2IsCalledSo(t *testing.T) {
	l := read(t, flake8, "./a.py:1:2: E999 SyntaxError: Missing parentheses in call to 'print'. Did you mean "+
		"print(...)?\n./b.py:1:1: E999 SyntaxError: invalid syntax\n")
	if got, want := l.Findings[0].String(),
		"a.py:1:2: E999 Python 2 code: SyntaxError: Missing parentheses"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if strings.Contains(l.Findings[1].Text, "Python 2") {
		t.Errorf("invalid syntax alone is called Python 2: %q", l.Findings[1])
	}
}

func TestFindingsAreBounded(t *testing.T) {
	line := "./" + strings.Repeat("é", 600) + ".py:1:1: F821 " + strings.Repeat("x", 5000) + "\n"
	l := read(t, flake8, strings.Repeat("./a.py:1:1: F821 \x1b[31m"+strings.Repeat("y", 800)+"\n"+line, 50))
	if len(l.Findings) != most || l.Total < 50 {
		t.Errorf("%d findings of %d", len(l.Findings), l.Total)
	}
	for _, f := range l.Findings {
		if len(f.Path) > maxText+3 || len(f.Text) > maxText+3 || strings.Contains(f.Text, "\x1b") {
			t.Errorf("%d bytes of path, %d of text: %.60q", len(f.Path), len(f.Text), f.Text)
		}
	}
}

const failures = `test_a (unittest.loader._FailedTest.test_a) ... ERROR
test_discount (tests.test_cart.TotalTest.test_discount) ... FAIL

======================================================================
ERROR: test_a (unittest.loader._FailedTest.test_a)
----------------------------------------------------------------------
ImportError: Failed to import test module: test_a
Traceback (most recent call last):
  File "/usr/lib/python3.11/unittest/loader.py", line 407, in _find_test_path
    module = self._get_module_from_name(name)
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/workspace/tests/test_a.py", line 1, in <module>
    import flask
ModuleNotFoundError: No module named 'flask'


======================================================================
FAIL: test_discount (tests.test_cart.TotalTest.test_discount)
A discount of a tenth.
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/workspace/tests/test_cart.py", line 31, in test_discount
    self.assertEqual(total(), 100)
  File "/usr/lib/python3.11/unittest/case.py", line 873, in assertEqual
    assertion_func(first, second, msg=msg)
AssertionError: 90 != 100

======================================================================
FAIL: test_sub (tests.test_cart.TotalTest) (i=1)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/workspace/tests/test_cart.py", line 40, in test_sub
    assert total() == 3
           ^^^^^^^^^^^^
AssertionError

======================================================================
ERROR: setUpClass (tests.test_p.PrinterTest)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/workspace/tests/test_p.py", line 8, in setUpClass
    open("x")
FileNotFoundError: [Errno 2] No such file or directory: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/workspace/lib/printer.py", line 4, in start
    raise printer.Error("no paper")
lib.printer.Error: no paper

======================================================================
UNEXPECTED SUCCESS: test_later (tests.test_p.PrinterTest.test_later)
----------------------------------------------------------------------
Ran 120 tests in 0.001s

FAILED (failures=2, errors=2, unexpected successes=1)
`

func TestUnittestFailuresBecomeFindings(t *testing.T) {
	l := read(t, func() reader { return &Unittest{Root: "/workspace"} }, failures)
	want := []string{
		"test_a: No module named 'flask' (tests/test_a.py:1)",
		"tests.test_cart.TotalTest.test_discount: 90 != 100 (tests/test_cart.py:31)",
		"tests.test_cart.TotalTest.test_sub: assert total() == 3 (tests/test_cart.py:40)",
		"tests.test_p.PrinterTest.setUpClass: lib.printer.Error: no paper (lib/printer.py:4)",
		"tests.test_p.PrinterTest.test_later: it passed, and a failure was expected",
	}
	var got []string
	for _, f := range l.Findings {
		got = append(got, f.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got, want := l.Findings[0].Code, "ModuleNotFoundError"; got != want {
		t.Errorf("got code %q, want %q", got, want)
	}
}

// A header counts only after unittest's rule, and a failure counts only once the run has ended.
func TestUnittestReadsNoFailureOutOfOtherOutput(t *testing.T) {
	for _, text := range []string{"FAIL: test_x (a.B.test_x)\nRan 1 test in 0.1s\n",
		doubleRule + "\nnot a header\nRan 1 test in 0.1s\n",
		doubleRule + "\nFAIL: test_x (a.B.test_x)\n", ""} {
		if l := read(t, func() reader { return &Unittest{Root: "/workspace"} }, text); l.Total > 0 {
			t.Errorf("%q gave %+v", text, l)
		}
	}
}

func FuzzReaders(f *testing.F) {
	f.Add([]byte(failures))
	f.Add([]byte("./a.py:1:2: E999 x\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, make := range []func() reader{
			flake8,
			func() reader { return &Unittest{Root: "/workspace"} },
		} {
			l := read(t, make, string(text))
			for _, found := range l.Findings {
				if s := found.String(); strings.ContainsAny(s, "\n\x1b") {
					t.Errorf("a finding of more than a line: %q", s)
				}
			}
		}
	})
}
