package python

import (
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline/limits"
	"vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/interpreter"
	"vivarium/sandbox"
)

var operator = limits.Limits{
	Limits:   sandbox.Limits{Memory: 2 << 30, Disk: 2 << 30, CPUs: 2, Pids: 512, OpenFiles: 16384, Inodes: 262144},
	Timeout:  15 * time.Minute,
	LogLimit: 4 << 30,
	LogRate:  32 << 20,
}

var options = Options{
	Default: "python-3.11",
	Images: []interpreter.Image{
		{Name: "python-3.9", Python: "3.9.2"},
		{Name: "python-3.11", Python: "3.11.2"},
		{Name: "python-3.13", Python: "3.13.5"},
		{Name: "python-3.12", Python: "3.12.3"},
	},
	Limits: operator,
}

// survey is what a sandbox would report for these files, with their folders. A value that begins
// with "-> " is a symbolic link.
func survey(files map[string]string) sandbox.Survey {
	s := sandbox.Survey{Contents: map[string][]byte{}}
	dirs := map[string]bool{}
	for p, text := range files {
		for d := path.Dir(p); d != "."; d = path.Dir(d) {
			dirs[d] = true
		}
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			s.Files = append(s.Files, sandbox.File{Path: p, Link: target})
			continue
		}
		s.Files = append(s.Files, sandbox.File{Path: p, Size: int64(len(text))})
	}
	for d := range dirs {
		s.Files = append(s.Files, sandbox.File{Path: d, Dir: true})
	}
	sort.Slice(s.Files, func(i, j int) bool { return s.Files[i].Path < s.Files[j].Path })
	for range Rounds {
		for _, p := range Reads(s) {
			s.Contents[p] = []byte(files[p])
		}
	}
	return s
}

func detect(t *testing.T, files map[string]string) Plan {
	t.Helper()
	return detectWith(t, files, options)
}

func detectWith(t *testing.T, files map[string]string, o Options) Plan {
	t.Helper()
	plan, err := Detect(survey(files), o)
	if err != nil {
		t.Fatalf("Detect: %v", err)
	}
	return plan
}

func detectError(t *testing.T, files map[string]string) *checkout.Mistake {
	t.Helper()
	plan, err := Detect(survey(files), options)
	var e *checkout.Mistake
	if !errors.As(err, &e) {
		t.Fatalf("Detect gave %+v, %v; want an *checkout.Mistake", plan, err)
	}
	return e
}

func TestDetectRefusesToPlanFromAPartOfTheFiles(t *testing.T) {
	if _, err := Detect(sandbox.Survey{Truncated: true}, options); err == nil {
		t.Error("a truncated survey gave a plan")
	}
}

func TestPlanTextNamesEverything(t *testing.T) {
	plan := detect(t, map[string]string{
		"requirements.txt": "six\n",
		"pyproject.toml": "[build-system]\n[project]\nname = 'x'\nrequires-python = '>=3.12'\n[tool.vivarium]\n" +
			"memory = '512MiB'\n",
		"Pipfile":            "[packages]\nsix = '*'\n",
		"tests/test_a.py":    testCase,
		"other/test_b.py":    testCase,
		".gitmodules":        "[submodule \"lib\"]\n\tpath = vendor/lib\n\turl = https://example.com/lib\n",
		"evil\x1b[2J\n/x.py": "",
	})
	const want = `Plan
  python       3.13.5 (image python-3.13): the newest for which requires-python is met: >=3.12
  install      there is a requirements.txt; passed over: Pipfile
               $ /opt/vivarium/env/bin/python -I -u -m pip install -r requirements.txt
  lint         $ python3 -I -m flake8 --isolated --select=E9,F63,F7,F821,F822,F823 --jobs=1 ` +
		`'--exclude=.svn,CVS,.bzr,.hg,.git,__pycache__,.tox,.nox,.eggs,*.egg' .
  test         $ /opt/vivarium/env/bin/python -m unittest discover -v -s tests
  tests        1 test file in tests/
  not run      other/test_b.py: the tests are taken from tests/
  not fetched  submodule vendor/lib
  not fetched  tags and history
  limits       time 15 min, memory 512 MiB, disk 2 GiB in 262144 files, CPUs 2, processes 512, ` +
		`open files 16384 for each, log 4 GiB at 32 MiB/s
               memory = 512MiB by [tool.vivarium]
  note         the project itself is not installed (pyproject.toml has a [build-system] table): ` +
		`requirements.txt decides; add a line ` + "`.`" + ` to it to have it installed
`
	if got := plan.Text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPlanTextLetsNoNameWriteALineOfItsOwn(t *testing.T) {
	text := detect(t, map[string]string{"other/test_b\x1b[2J\nfake line.py": testCase}).Text()
	if strings.Contains(text, "\x1b") || strings.Contains(text, "\nfake") {
		t.Errorf("control characters came through:\n%q", text)
	}
	if !strings.Contains(text, "fake line.py") {
		t.Errorf("the name is not in the plan at all:\n%s", text)
	}
}

const testCase = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_it(self):\n        pass\n"

func FuzzDetect(f *testing.F) {
	f.Add("[tool.vivarium]\ntimeout='1m'", "[flake8]\nexclude=a,b", "*.bin filter=lfs", "-e .")
	f.Add("[project]\nrequires-python='~=3.8'", "[metadata]\nname = x", "[a-\\]]/** filter=lfs", "six")
	f.Fuzz(func(t *testing.T, toml, cfg, attributes, reqs string) {
		_, err := Detect(survey(map[string]string{
			"pyproject.toml": toml, "setup.cfg": cfg, ".gitmodules": cfg, ".gitattributes": attributes,
			"requirements.txt": reqs, "data/a.bin": strings.Repeat("x", 130),
		}), options)
		var e *checkout.Mistake
		if err != nil && !errors.As(err, &e) {
			t.Errorf("Detect: %v is no *checkout.Mistake", err)
		}
	})
}

func TestCommandsAreWrittenAsOneTypesThem(t *testing.T) {
	plain := checkout.Command{Argv: []string{"pip", "install", "a b"}}
	below := checkout.Command{Dir: "my app", Env: []string{"PYTHONPATH=src"}, Argv: []string{"python", "x.py"}}
	for want, commands := range map[string][]checkout.Command{
		"pip install 'a b'":                                                {plain},
		"cd 'my app' && PYTHONPATH=src python x.py":                        {below},
		"pip install 'a b' && (cd 'my app' && PYTHONPATH=src python x.py)": {plain, below},
	} {
		if got := Lines(commands); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestPlanTextIsShort: it stands in the log whatever the log's limit is.
func TestPlanTextIsShort(t *testing.T) {
	var settings, modules strings.Builder
	settings.WriteString("[tool.vivarium]\n")
	for i := range 20_000 {
		fmt.Fprintf(&settings, "k%d = 1\n", i)
		fmt.Fprintf(&modules, "[submodule \"%d\"]\npath = p%d\n", i, i)
	}
	text := detect(t, map[string]string{"pyproject.toml": settings.String(), ".gitmodules": modules.String()}).Text()
	if len(text) > 64<<10 {
		t.Errorf("it has %d bytes", len(text))
	}
	for _, want := range []string{`no setting "k0"`, "more settings that count for nothing", "submodule p0\n", "more\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q", want)
		}
	}
}
