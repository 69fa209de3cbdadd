package python

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline/fixed"
	"vivarium/pipeline/python/suite"
)

const ownAll = `[tool.vivarium]
python = "3.12"
workdir = "sub"
install = "echo repository"
lint = "echo repository"
test = "echo repository"
env = { WHO = "repository" }
timeout = "1m"
history = true
`

func detectFixed(t *testing.T, files map[string]string, text string) Plan {
	t.Helper()
	part, err := fixed.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	o := options
	o.Fixed = part
	if err := CheckFixed(part, o.Limits); err != nil {
		t.Fatal(err)
	}
	plan, err := Detect(survey(files), o)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestAPushIsLeftOutByTheRepositorysOwnWordUnlessTheOperatorHasOne: that was asked before.
func TestAPushIsLeftOutByTheRepositorysOwnWordUnlessTheOperatorHasOne(t *testing.T) {
	own := "[tool.vivarium]\nbranches = [\"main\"]\npaths = [\"*.py\"]\n"
	files := map[string]string{"pyproject.toml": own, "test_a.py": ""}
	for text, want := range map[string]string{
		"": "[main] [*.py]", `branches = ["*"]`: "[] [*.py]", `paths = ["*"]`: "[main] []",
	} {
		plan := detectFixed(t, files, text)
		if got := fmt.Sprint(plan.Wanted.Branches, " ", plan.Wanted.Paths); got != want {
			t.Errorf("fixed %q: %s, want %s", text, got, want)
		}
	}
}

// TestWhatTheOperatorFixedIsNotTheRepositorysToChange: each setting by itself, against a repository
// that sets all of them.
func TestWhatTheOperatorFixedIsNotTheRepositorysToChange(t *testing.T) {
	files := map[string]string{"pyproject.toml": ownAll, "sub/a.py": "", "test_a.py": ""}
	for text, check := range map[string]func(Plan) string{
		`python = "3.11"`:            func(p Plan) string { return p.Image.Python + " " + p.ImageReason },
		`workdir = "."`:              func(p Plan) string { return "in " + p.Dir },
		`install = "echo operator"`:  func(p Plan) string { return Lines(p.Install) },
		`lint = "echo operator"`:     func(p Plan) string { return Lines(p.OwnLint) },
		`test = "echo operator"`:     func(p Plan) string { return Lines(p.Test) },
		`env = { WHO = "operator" }`: func(p Plan) string { return strings.Join(p.Test[0].Env, " ") },
		`timeout = "2m"`:             func(p Plan) string { return p.Limits.Timeout.String() },
		`history = false`:            func(p Plan) string { return "history: " + p.History },
	} {
		name, _, _ := strings.Cut(text, " ")
		t.Run(name, func(t *testing.T) {
			want := map[string]string{
				"python":  "3.11.2 the operator asks for python 3.11",
				"workdir": "in ",
				"install": "cd sub && /bin/sh -ec 'echo operator'",
				"lint":    "cd sub && /bin/sh -ec 'echo operator'",
				"test":    "/bin/sh -ec 'echo operator'", // neither the repository's folder nor its variables
				"env":     "WHO=operator",
				"timeout": "2m0s",
				"history": "history: ",
			}[name]
			plan := detectFixed(t, files, text)
			if got := check(plan); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			said := strings.Join(plan.Remarks, "\n")
			if !strings.Contains(said, "the operator fixed ") || !strings.Contains(said, name) ||
				!strings.Contains(said, "that of [tool.vivarium] counts for nothing") {
				t.Errorf("the verdict says %q", said)
			}
			if !slices.Contains(plan.Fixed, "by the operator: "+name) {
				t.Errorf("the plan says %q", plan.Fixed)
			}
			// The control: without the operator's word the repository decides.
			if free := detectFixed(t, files, ""); check(free) == want || len(free.Fixed) > 0 {
				t.Errorf("nothing was fixed, and it is %q all the same", want)
			}
		})
	}
}

func TestWhoseSettingOpensTheIndexIsSaid(t *testing.T) {
	own := map[string]string{"pyproject.toml": "[tool.vivarium]\nindex = true\n"}
	for fix, want := range map[string]string{
		"":               "open to lint and test too: [tool.vivarium] index = true\n",
		"index = true\n": "open to lint and test too: the operator's index = true\n",
	} {
		if plan := detectFixed(t, own, fix); !strings.Contains(plan.Text(), want) {
			t.Errorf("%q: the plan says\n%s", fix, plan.Text())
		}
	}
}

func TestAFixedTestIsTheOperatorsAndBringsPytest(t *testing.T) {
	files := map[string]string{"pyproject.toml": ownAll, "sub/a.py": "", "test_a.py": ""}
	plan := detectFixed(t, files, `test = "python -m pytest checks"`)
	if plan.TestProgram != suite.Fixed || plan.TestWhy != "the operator's test" {
		t.Errorf("the tests are %s, by %s", plan.TestProgram, plan.TestWhy)
	}
	if got := strings.Join(plan.Remarks, "\n"); strings.Contains(got, "own install, lint and test") ||
		!strings.Contains(got, "by the repository's own install and lint in [tool.vivarium]") {
		t.Errorf("the verdict says %q", got)
	}
	notes := strings.Join(plan.Notes, "\n")
	if !strings.Contains(notes, "what the repository installs takes part in them") {
		t.Errorf("the plan does not say what the repository still decides: %q", notes)
	}
	files["pyproject.toml"] = ""
	o := options
	o.DeclaredPytest = true
	o.Fixed = fixed.Part{Settings: map[string]any{"test": "python -m pytest checks"}}
	plan, err := Detect(survey(files), o)
	if err != nil || len(plan.Test) == 0 || !strings.Contains(Lines(plan.Install), "pytest") {
		t.Errorf("pytest, which the operator's test names, is not installed: %v, %v, %v", plan.Test, Lines(plan.Install), err)
	}
}

func TestThePlanSaysWhatBecameOfFilesWhereTheOperatorsStand(t *testing.T) {
	o := options
	o.Fixed = fixed.Part{Overlay: fixed.Overlay{Repository: "school/tests", Commit: strings.Repeat("a", 40)}}
	o.Laid = fixed.Laid{
		Own: 3, Patterns: []string{"/tests", "conftest.py"},
		Replaced: []string{"tests/test_a.py"}, LeftOut: []string{"conftest.py", "a.py", "b.py", "c.py"},
	}
	plan, err := Detect(
		survey(map[string]string{"tests/test_a.py": "import unittest\nclass T(unittest.TestCase): pass\n"}), o,
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"  fixed        by the operator: files of school/tests at aaaaaaaaaaaa\n",
		"  fixed        3 files of the operator's own; nothing of the repository stays at: /tests conftest.py\n",
		"the operator's in place of the repository's: tests/test_a.py\n",
		"left out, since the operator protects the path: conftest.py, a.py, b.py and 1 more\n",
	} {
		if !strings.Contains(plan.Text(), want) {
			t.Errorf("%q is not in:\n%s", want, plan.Text())
		}
	}
}

func TestAnOperatorCannotFixWhatThereIsNot(t *testing.T) {
	for text, want := range map[string]string{
		`tests = "a"`:       `there is no setting "tests"; did you mean "test"?`,
		`disk = "1GiB"`:     `there is no setting "disk"`,
		`timeout = "16m"`:   "the operator's limit is 15 min",
		`memory = "lots"`:   `such as "512MiB"`,
		`workdir = "../up"`: "a folder of the checkout",
		`install = [1]`:     "a command line in quotes",
	} {
		part, err := fixed.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckFixed(part, operator); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if err := CheckFixed(fixed.Part{Settings: map[string]any{"timeout": "15m"}}, operator); err != nil {
		t.Errorf("the limit itself: %v", err)
	}
}
