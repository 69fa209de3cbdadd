package pipwords

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"vivarium/pipeline/findings"
	"vivarium/pipeline/sentence"
	"vivarium/sandbox"
)

// root is where the checkouts stood whose installation failed as testdata shows.
const root = "/tmp/workspace"

// read gives a text to the reader whole and byte by byte; both must have the same result.
func read(t *testing.T, make func() *Reader, text string) *Reader {
	t.Helper()
	whole, cut := make(), make()
	whole.Take(sandbox.Stderr, []byte(text))
	for _, c := range []byte(text) {
		cut.Take(sandbox.Stderr, []byte{c})
	}
	if a, b := whole.List(), cut.List(); !slices.Equal(a.Findings, b.Findings) || a.Total != b.Total {
		t.Errorf("whole: %+v, byte by byte: %+v", a, b)
	}
	return whole
}

// index has windep for another machine, and no project named nope.
type index struct{}

func (index) Offered(project string) bool { return project == "windep" }
func (index) Absent(project string) bool  { return project == "nope" }

type files map[string]string

func (f files) bytes() map[string][]byte {
	all := map[string][]byte{}
	for name, text := range f {
		all[name] = []byte(text)
	}
	return all
}

// TestReasonOfAFailedInstallIsSaid reads what pip 23.0 printed in sandboxes, where each repository of
// the corpus that is named install-NAME failed.
func TestReasonOfAFailedInstallIsSaid(t *testing.T) {
	requirements := func(text string) files { return files{"requirements.txt": text} }
	for name, c := range map[string]struct {
		required, project files
		want              string
	}{
		"backend": {nil, files{"pyproject.toml": "[build-system]\nrequires = []\n"},
			"pyproject.toml: the build backend poetry is not there: name poetry-core in [build-system] requires"},
		"build-requirement": {nil, files{"pyproject.toml": "[build-system]\nrequires = [\"nowhere-to-be-had>=2\"]\n"},
			"pyproject.toml:2: nowhere-to-be-had>=2 of [build-system] requires is not on the index"},
		"build-requirement-of-dependency": {requirements("backenddep\n"), nil,
			"requirements.txt:1: backenddep 1.0 cannot be built: its build needs nowhere-to-be-had, which is not on the index"},
		"compiler": {nil, nil, "the program clang-99 is not in the image"},
		"conflict": {requirements("turndep==1.0\nwantsturn\n"), nil,
			"requirements.txt:1: turndep==1.0 conflicts with wantsturn 1.0, which needs turndep>=2"},
		"conflict-of-lines": {files{"more.txt": "turndep==2.0\n", "requirements.txt": "turndep==1.0\n-r more.txt\n"}, nil,
			"requirements.txt:1: turndep==1.0 conflicts with turndep==2.0 (more.txt:1)"},
		"deep-missing": {requirements("turndep\nwantsmissing\n"), nil,
			"requirements.txt:2: wantsmissing wants tinydep>=7, which is not on the index (newest: 1.0)"},
		"dependency-setup": {requirements("wantsold\n"), nil, "olddep 1.0 (wanted by another package) cannot be built: its " +
			"setup.py: Python 2 code: Missing parentheses in call to 'print'. Did you mean…"},
		"file-missing": {requirements("tinydep\n-r more.txt\n"), nil, "requirements.txt:2: more.txt is not in the " +
			"repository"},
		"flat-layout": {nil, nil, "pyproject.toml: setuptools cannot tell which of app, data is the package: name it in " +
			"[tool.setuptools] packages"},
		"hash-lacking": {requirements("tinydep==1.0 --hash=sha256:00\nturndep==1.0\n"), nil,
			"requirements.txt:2: turndep==1.0 has no hash, and other lines have one: give it one, too"},
		"hash-wrong": {requirements("tinydep==1.0 --hash=sha256:00\n"), nil,
			"requirements.txt:1: tinydep==1.0: its hash is not that of the file on the index"},
		"header": {nil, nil, "fast.c:1: the header nothere/api.h is not in the image"},
		"header-of-dependency": {requirements("tinydep\nfastdep\n"), nil,
			"requirements.txt:2: fastdep 1.0 cannot be built: the header nothere/api.h is not in the image"},
		"not-utf8": {nil, nil, "setup.py:3: README.md is not UTF-8: save it so, or name its encoding"},
		"other-platform": {requirements("windep\n"), nil,
			"requirements.txt:1: windep has no file on the index for Linux and this Python"},
		"other-python": {requirements("futuredep\n"), nil,
			"requirements.txt:1: futuredep needs another Python: 3.0 asks for >=3.99"},
		"other-python-pin": {requirements("movingdep==2.0\n"), nil,
			"requirements.txt:1: movingdep==2.0 needs another Python: it asks for >=3.99 (newest for this one: 1.0)"},
		"own-python": {nil, files{"setup.py": "x\nsetup(python_requires='>=3.%d' % minor)\n"},
			"setup.py:2: cart needs another Python: >=3.99, and this is 3.11.2"},
		"package-folder-missing": {nil, nil,
			"setup.py: the folder shop, which is to be a package, is not in the repository"},
		"program":        {nil, nil, "setup.py:4: the program pg_config is not in the image"},
		"readme-missing": {nil, nil, "setup.py:3: README.rst is not in the repository"},
		"setup-python2": {nil, nil,
			"setup.py:3: Python 2 code: Missing parentheses in call to 'print'. Did you mean print(...)?"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("testdata/" + name + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			r := read(t, func() *Reader {
				return &Reader{
					Root: root, Requirements: c.required.bytes(), Project: c.project.bytes(),
					Index: index{},
				}
			}, string(text))
			if got := r.List().Sentence(0); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
	all, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(all) != 23 {
		t.Errorf("%d outputs, %v: each is to have a sentence here", len(all), err)
	}
}

func TestWhatTheIndexLacksIsToldApart(t *testing.T) {
	const lacks = "ERROR: Could not find a version that satisfies the requirement "
	required := files{"requirements.txt": "# ours\nTiny_Dep==9\n"}
	for name, c := range map[string]struct{ out, want string }{
		"a pin": {lacks + "tiny-dep==9 (from versions: 0.9, 1.0)\nERROR: No matching distribution found for tiny-dep==9\n",
			"requirements.txt:2: tiny-dep==9 is not on the index (newest: 1.0)"},
		"no such package": {lacks + "nope (from versions: none)\n", "nope is no package on the index: check the name"},
		"of a dependency": {lacks + "nope>2 (from flask) (from versions: 1.0)\n", "flask wants nope>2, which is " +
			"not on the index (newest: 1.0)"},
		"of nobody's name": {lacks + "nope>2 (from flask) (from versions: none)\n", "flask wants nope>2, which is " +
			"no package on the index: check the name"},
		"a pin beside others for another Python": {"ERROR: Ignored the following versions that require a different python " +
			"version: 2.0 Requires-Python >=3.99\n" + lacks + "tiny_dep==9 (from versions: 1.0)\n",
			"requirements.txt:2: tiny_dep==9 is not on the index (newest: 1.0)"},
		"a page that was refused": {lacks + "endless (from versions: none)\n", "endless has no version on the index"},
		"a module of Python": {lacks + "sqlite3 (from versions: none)\n",
			"sqlite3 is no package: it is a module of the standard library; take the line out"},
		"Python itself": {lacks + "python==3.8 (from versions: none)\n",
			"python==3.8 is no package: it is the interpreter; take the line out"},
		"a line that is none": {"ERROR: Invalid requirement: 'two words' (from line 3 of requirements.txt)\n",
			"requirements.txt:3: Invalid requirement: 'two words'"},
		"pip's own words":        {"ERROR: Directory './lib' is not installable.\n", "Directory './lib' is not installable."},
		"a wrapper says nothing": {"error: subprocess-exited-with-error\nerror: metadata-generation-failed\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := read(t, func() *Reader { return &Reader{Root: root, Requirements: required.bytes(), Index: index{}} }, c.out)
			if got := r.List().Sentence(0); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestAskerOfWhatCannotBeBuiltIsNamed: pip 24 says who wants what it collects.
func TestAskerOfWhatCannotBeBuiltIsNamed(t *testing.T) {
	const out = "Collecting wantsold (from -r requirements.txt (line 1))\nCollecting olddep (from wantsold->-r " +
		"requirements.txt " +
		"(line 1))\n  Downloading http://127.0.0.1/files/2f/olddep-1.0.tar.gz (187 bytes)\n  × x did not run " +
		"successfully.\n" +
		"  │ exit code: 1\n  ╰─> [1 lines of output]\n      error: no luck\n      [end of output]\n"
	r := read(t, func() *Reader { return &Reader{Requirements: files{"requirements.txt": "wantsold\n"}.bytes()} }, out)
	want := "requirements.txt:1: olddep 1.0 (wanted by wantsold) cannot be built: no luck"
	if got := r.List().Sentence(0); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestWhatWasAskedForAndIsLackingIsNamed(t *testing.T) {
	const line = "ERROR: Could not find a version that satisfies the requirement "
	for requirement, want := range map[string]string{
		"My_Lint==3 ": "my-lint",
		"my-lint (from -r requirements-dev.txt (line 2)) ":               "my-lint",
		"nope>2 (from my.lint) ":                                         "my-lint",
		"nope (from b->my-lint==1.0->-r requirements-dev.txt (line 1)) ": "my-lint",
	} {
		r := Reader{}
		r.Take(sandbox.Stderr, []byte(line+requirement+"(from versions: none)\n"))
		if got := r.Lacking(); got != want {
			t.Errorf("%s: got %q, want %q", requirement, got, want)
		}
	}
}

func TestConstraintsOfAConflictAreNamed(t *testing.T) {
	r := read(t, func() *Reader { return &Reader{} }, "The conflict is caused by:\n    The user requested a<2\n"+
		"    The user requested (constraint) My_A==0.9\n    The user requested (constraint) b==1\n"+
		"The user requested (constraint) c==1\n")
	if got := r.Constrained(); !slices.Equal(got, []string{"my-a", "b"}) {
		t.Errorf("got %q", got)
	}
}

// TestWordsCostLittle: the server reads them while the build writes, beyond the build's own limits.
func TestWordsCostLittle(t *testing.T) {
	r := Reader{Requirements: map[string][]byte{"requirements.txt": bytes.Repeat([]byte("a\n"), 512<<10)}}
	line := []byte("ERROR: Could not find a version that satisfies the requirement zz (from versions: none)\n")
	begin := time.Now()
	for range 12_000 { // 1 MiB, which took an hour
		r.Take(sandbox.Stderr, line)
	}
	if took := time.Since(begin); took > 10*time.Second || len(r.List().Findings) != mostFindings {
		t.Errorf("%s for %d findings", took, len(r.List().Findings))
	}
}

func FuzzReader(f *testing.F) {
	all, _ := filepath.Glob("testdata/*.txt")
	for _, name := range all {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := read(t, func() *Reader {
			return &Reader{Root: root, Requirements: files{"requirements.txt": "turndep==1.0\n-r more.txt\n"}.bytes()}
		}, string(text))
		for _, found := range append(r.List().Findings, findings.Finding{Text: r.List().Sentence(0)}) {
			if s := found.String(); strings.ContainsAny(s, "\n\x1b") || utf8.RuneCountInString(s) > sentence.Max {
				t.Errorf("a finding of more than a line: %q", s)
			}
		}
	})
}
