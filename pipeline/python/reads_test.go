package python

import (
	"fmt"
	"slices"
	"testing"

	"vivarium/sandbox"
)

// listing is a survey that holds no contents yet.
func listing(files ...sandbox.File) sandbox.Survey {
	return sandbox.Survey{Files: files, Contents: map[string][]byte{}}
}

func TestReadsNamesWhatDecidesAndNothingElse(t *testing.T) {
	const small = 10
	s := listing(
		sandbox.File{Path: ".github/workflows/ci.yml", Size: small},
		sandbox.File{Path: "app/main.py", Size: small},
		sandbox.File{Path: "app/pyproject.toml", Size: small},
		sandbox.File{Path: "data.txt", Size: small},
		sandbox.File{Path: "lock", Dir: true},
		sandbox.File{Path: "pyproject.toml", Size: small},
		sandbox.File{Path: "requirements", Dir: true},
		sandbox.File{Path: "requirements-dev.txt", Link: "deps.list"},
		sandbox.File{Path: "deps.list", Size: small},
		sandbox.File{Path: "requirements/base.txt", Size: small},
		sandbox.File{Path: "requirements/large.txt", Size: maxReadFile + 1},
		sandbox.File{Path: "requirments.txt", Size: small},
		sandbox.File{Path: "setup.py", Link: "/etc/passwd"},
		sandbox.File{Path: "tests/util.py", Size: small},
		sandbox.File{Path: "unit/cart_test.py", Size: small},
		sandbox.File{Path: "venv/lib/pyproject.toml", Size: small},
		sandbox.File{Path: "venv/pyvenv.cfg", Size: small},
	)
	want := []string{
		"pyproject.toml", "app/pyproject.toml", "deps.list", "requirments.txt", "requirements/base.txt",
		"tests/util.py", "unit/cart_test.py", ".github/workflows/ci.yml",
	}
	got := Reads(s)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, p := range got {
		s.Contents[p] = nil
	}
	if again := Reads(s); len(again) > 0 {
		t.Errorf("what is held is asked for again: %q", again)
	}
}

func TestReadsIsBoundedInNumberSizeAndNames(t *testing.T) {
	many := func(n int, size int64, name string) sandbox.Survey {
		files := []sandbox.File{{Path: "pyproject.toml", Size: 1}}
		for i := range n {
			files = append(files, sandbox.File{Path: fmt.Sprintf(name, i), Size: size})
		}
		return listing(files...)
	}
	long := fmt.Sprintf("%01000d", 0) + "_test%d.py"
	for name, c := range map[string]struct {
		survey sandbox.Survey
		want   int
	}{
		"number": {many(10_000, 1, "test%d.py"), maxReads},
		"size":   {many(100, 1<<20, "test%d.py"), 16},
		"names":  {many(1000, 1, long), 1 + maxNames/1008},
	} {
		got := Reads(c.survey)
		if len(got) < c.want-1 || len(got) > c.want+1 || got[0] != "pyproject.toml" {
			t.Errorf("%s: got %d files, first %.20q; want about %d", name, len(got), got[0], c.want)
		}
	}
}
