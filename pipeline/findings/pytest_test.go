package findings

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func pytest() reader { return &Pytest{Root: "/workspace"} }

// TestPytestSectionsBecomeFindings reads what pytest 7.2 wrote of one suite, in its long form and in
// its short and coloured one: both tell the same.
func TestPytestSectionsBecomeFindings(t *testing.T) {
	const file = "tests/test_a.py"
	want := []Finding{
		{Path: "cart.py", Line: 4, Code: "KeyError", Test: file + "::TotalTest::test_deep", Text: "KeyError: 'a'"},
		{Path: file, Line: 6, Code: "AssertionError", Test: file + "::TotalTest::test_discount", Text: "90 != 100"},
		{Path: file, Line: 11, Code: "AssertionError", Test: file + "::TestPlain::test_x", Text: "one is not two"},
		{
			Path: file, Line: 14, Code: "AssertionError", Test: file + "::test_p[1]",
			Text: "assert 1 == {'k': [1, 2, 3, 1, 2, 3, ...]}",
		},
		{
			Path: file, Line: 14, Code: "AssertionError", Test: file + "::test_p[a b::c - d]",
			Text: "assert 'a b::c - d' == {'k': [1, 2, 3, 1, 2, 3, ...]}",
		},
		{Path: file, Test: file + "::test_xps", Text: "it failed"},
		{Path: file, Line: 30, Code: "Failed", Test: file + "::test_fail", Text: "custom"},
		{Path: file, Line: 31, Code: "ValueError", Test: file + "::test_raise", Text: "ValueError"},
		{Path: "tests/test_b.py", Line: 1, Code: "ModuleNotFoundError", Text: "No module named 'flask'"},
		{Path: file, Line: 15, Test: file + "::test_err", Text: "fixture 'nofixture' not found"},
		{Path: file, Line: 19, Code: "RuntimeError", Test: file + "::test_setup", Text: "RuntimeError: no paper"},
	}
	for _, name := range []string{"pytest.txt", "pytest-short-coloured.txt"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, pytest, string(text)).Findings
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Errorf("%s, %d: got %+v, want %+v", name, i, at(got, i), at(want, i))
			}
		}
	}
}

func at(l []Finding, i int) Finding {
	if i < len(l) {
		return l[i]
	}
	return Finding{}
}

func TestPytestSaysWhyItDidNotBegin(t *testing.T) {
	for name, c := range map[string]struct {
		output string
		want   []Finding
	}{
		"conftest.py": {
			"ImportError while loading conftest '/workspace/server/conftest.py'.\nconftest.py:1: in <module>\n" +
				"    import flask\n" +
				"E   ModuleNotFoundError: No module named 'flask'\n",
			[]Finding{
				{Path: "server/conftest.py", Line: 1, Code: "ModuleNotFoundError", Text: "No module named 'flask'"},
			},
		},
		"an option of a plug-in": {
			"ERROR: usage: __main__.py [options] [file_or_dir]\n__main__.py: error: unrecognized arguments: --cov=x\n" +
				"  inifile: /workspace/pytest.ini\n",
			[]Finding{{Text: "pytest: unrecognized arguments: --cov=x; it comes with pytest-cov: declare that"}},
		},
		"an option of nobody": {
			"__main__.py: error: unrecognized arguments: --nobodys\n",
			[]Finding{{Text: "pytest: unrecognized arguments: --nobodys"}},
		},
		"its configuration": {
			"ERROR: /workspace/pytest.ini:2: unexpected line: 'x'\n",
			[]Finding{{Text: "pytest: /workspace/pytest.ini:2: unexpected line: 'x'"}},
		},
		"a plug-in": {
			"INTERNALERROR> Traceback (most recent call last):\nINTERNALERROR>   File \"x.py\", line 1\n" +
				"INTERNALERROR> TypeError: no\n",
			[]Finding{{Text: "pytest broke off: TypeError: no"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := read(t, func() reader { return &Pytest{Root: "/workspace", Dir: "server"} }, c.output)
			if !slices.Equal(l.Findings, c.want) {
				t.Errorf("got %+v, want %+v", l.Findings, c.want)
			}
		})
	}
}

func TestPytestWithoutSectionsIsReadByItsLastLines(t *testing.T) {
	const output = `==== short test summary info ====
FAILED tests/test_a.py::T::test_b - AssertionError: 1 != 2
ERROR tests/test_c.py
==== 1 failed, 1 error in 0.1s ====
`
	want := []Finding{
		{Path: "tests/test_a.py", Code: "AssertionError", Test: "tests/test_a.py::T::test_b", Text: "1 != 2"},
		{Path: "tests/test_c.py", Text: "it failed"},
	}
	if l := read(t, pytest, output); !slices.Equal(l.Findings, want) {
		t.Errorf("got %+v, want %+v", l.Findings, want)
	}
}

func FuzzPytest(f *testing.F) {
	f.Add("=== FAILURES ===\n____ test_a ____\nE   ValueError\na.py:1: ValueError\n=== short test summary info ===\n" +
		"FAILED a.py::test_a\n")
	f.Fuzz(func(t *testing.T, text string) { read(t, pytest, text) })
}

// TestPytestTakesLittleMemory: a test can print what looks like a report, as much as the log takes.
func TestPytestTakesLittleMemory(t *testing.T) {
	piece := []byte(strings.Repeat("E   "+strings.Repeat("x", 500)+"\n", 2000))
	for name, title := range map[string]string{"one section": "", "many sections": "____ t%d ____\n"} {
		p := &Pytest{Root: "/w"}
		fmt.Fprint(p, "=== FAILURES ===\n____ t ____\n")
		for i := range 80 {
			if title != "" {
				fmt.Fprintf(p, title, i)
			}
			p.Write(piece)
		}
		runtime.GC()
		var after runtime.MemStats
		runtime.ReadMemStats(&after)
		if after.HeapAlloc > 32<<20 {
			t.Errorf("%s: %d MiB are in use", name, after.HeapAlloc>>20)
		}
		if l := p.List(); len(l.Findings) == 0 {
			t.Errorf("%s: nothing is found", name)
		}
	}
}
