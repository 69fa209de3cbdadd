package pipeline_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/pipeline/fixed"
	"vivarium/sandbox/egress/egresstest"
)

// The operator's own tests, of which the repository's code passes none.
const (
	operatorsTest = "import unittest\nimport cart\nclass T(unittest.TestCase):\n" +
		"    def test_total(self): self.assertEqual(cart.total(), 3)\n"
	repositorysTest = "import unittest\nclass T(unittest.TestCase):\n    def test_total(self): pass\n"
)

// fixedBuild builds a repository, of which the operator fixes what text says. Where that has an
// overlay its commit is written COMMIT.
func fixedBuild(t *testing.T, files, overlay map[string]string, text string) (pipeline.Outcome, *log) {
	t.Helper()
	w := theWorld(t)
	q := w.request(w.commit(t, files))
	name := "school/tests-" + strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())
	if overlay != nil {
		shas, err := w.host.Commit(t.Context(), name, egresstest.Commit{Files: overlay})
		if err != nil {
			t.Fatal(err)
		}
		text += "\n[overlay]\nrepository = 'school/tests'\nfolder = 'week1'\ncommit = '" + shas[0] + "'\n"
		q.Overlay = pipeline.Git{URL: w.host.RepoURL(name), SHA: shas[0], Tokens: pipeline.FixedToken(gitToken)}
	}
	var err error
	if q.Fixed, err = fixed.Parse(text); err != nil {
		t.Fatal(err)
	}
	return w.run(t, q)
}

func TestTheOperatorsOwnFilesStandWhereTheyBelong(t *testing.T) {
	overlay := map[string]string{"week1/tests/test_cart.py": operatorsTest, "other/secret.txt": "another week's"}
	files := map[string]string{
		"cart.py": "def total(): return 4\n", "tests/test_cart.py": repositorysTest, "tests/test_more.py": repositorysTest,
		"test_own.py": repositorysTest,
	}
	o, l := fixedBuild(t, files, overlay, `test = "ls -R . && python -m unittest discover tests"`)
	wantCause(t, o, pipeline.CauseTests)
	wantText(t, o.Summary, "4 != 3")
	wantText(t, l.text(), "the operator's in place of the repository's: tests/test_cart.py",
		"left out, since the operator protects the path: tests/test_more.py")
	wantText(t, l.step(pipeline.StepPlan), "by the operator: test, files of school/tests at ", "folder week1",
		"1 file of the operator's own; nothing of the repository stays at: /tests conftest.py")
	if strings.Contains(l.step(pipeline.StepTest), "test_more.py") || strings.Contains(l.text(), "secret.txt") {
		t.Error("there is what should not be there")
	}
	wantText(t, l.step(pipeline.StepTest), "test_own.py")

	// The control: the same repository without the operator's word is green.
	o, _ = build(t, files)
	wantCause(t, o, "")

	files["cart.py"], files["tests/test_cart.py"] = "def total(): return 3\n", operatorsTest
	delete(files, "tests/test_more.py")
	o, _ = fixedBuild(t, files, overlay, `test = "python -m unittest discover tests"`)
	wantCause(t, o, "")
	if strings.Contains(o.Summary, "operator") {
		t.Errorf("%q tells of what is as the operator has it", o.Summary)
	}
}

// TestWhatRunsBeforeTheTestsCannotChangeTheOperatorsFiles: a setup.py, a lint command or another test
// rewrites the tree, makes links of it, or closes it.
func TestWhatRunsBeforeTheTestsCannotChangeTheOperatorsFiles(t *testing.T) {
	overlay := map[string]string{"week1/tests/test_cart.py": operatorsTest}
	for name, attack := range map[string]string{
		"rewrites": "printf 'import unittest\\nclass T(unittest.TestCase):\\n    def test(self): pass\\n" +
			"' > tests/test_cart.py",
		"adds": "echo 'import os; os._exit(0)' > tests/__init__.py; rm tests/test_cart.py",
		"links": "mkdir evil; printf 'import unittest\\nclass T(unittest.TestCase):\\n    def test(self): pass\\n" +
			"' > evil/test_cart.py; rm -r tests; ln -s evil tests",
		"closes": "rm tests/test_cart.py; mkdir -p tests/deep/er; chmod 0 tests/deep; chmod 0500 tests",
	} {
		for _, where := range []string{"install", "lint"} {
			t.Run(name+" in "+where, func(t *testing.T) {
				files := map[string]string{
					"cart.py":        "def total(): return 4\n",
					"pyproject.toml": "[tool.vivarium]\n" + where + " = \"\"\"" + strings.ReplaceAll(attack, `\`, `\\`) + "\"\"\"\n",
				}
				o, _ := fixedBuild(t, files, overlay, `test = "python -m unittest discover tests"`)
				wantCause(t, o, pipeline.CauseTests)
				want := "4 != 3"
				if name == "closes" {
					want = "the operator's own files cannot be put back"
				}
				wantText(t, o.Summary, want, "by the repository's own "+where)
			})
		}
	}
	t.Run("the control", func(t *testing.T) {
		files := map[string]string{
			"cart.py": "def total(): return 4\n", "tests/test_cart.py": operatorsTest,
			"pyproject.toml": "[tool.vivarium]\ninstall = \"echo 'import unittest' > tests/test_cart.py; " +
				"echo 'class T(unittest.TestCase):' >> tests/test_cart.py; echo '    def test(self): pass' >> " +
				"tests/test_cart.py\"\n",
		}
		o, _ := build(t, files)
		wantCause(t, o, "")
	})
}

func TestOwnFilesThatCannotBeHadAreNotTheRepositorysFault(t *testing.T) {
	w := theWorld(t)
	away := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(away.Close)
	for name, c := range map[string]struct {
		url   string
		heals bool
	}{
		"there is no such repository": {w.host.RepoURL("school/nothing").String(), false},
		"the host is in trouble":      {away.URL + "/school/tests.git", true},
	} {
		t.Run(name, func(t *testing.T) {
			q := w.request(w.commit(t, map[string]string{"test_own.py": repositorysTest}))
			q.Fixed.Overlay = fixed.Overlay{Repository: "school/nothing", Commit: strings.Repeat("a", 40)}
			from, err := url.Parse(c.url)
			if err != nil {
				t.Fatal(err)
			}
			q.Overlay = pipeline.Git{URL: from, SHA: q.Fixed.Overlay.Commit, Tokens: pipeline.FixedToken(gitToken)}
			o, _ := w.run(t, q)
			wantCause(t, o, pipeline.CauseClone)
			wantText(t, o.Summary, "the operator's own files, school/nothing at aaaaaaaaaaaa: ")
			if o.Heals != c.heals {
				t.Errorf("heals is %t, want %t", o.Heals, c.heals)
			}
		})
	}
}

func TestWhatTheOperatorFixedAmissIsNotTheRepositorysFault(t *testing.T) {
	o, _ := fixedBuild(t, map[string]string{"test_own.py": repositorysTest}, nil, `timeout = "99h"`)
	wantCause(t, o, pipeline.CauseInternal)
	wantText(t, o.Summary, "what the operator fixed for this repository does not hold: timeout = 99h")
}
