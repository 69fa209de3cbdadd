package python

import (
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline/hosts"
)

// listed are the options of an operator who lists some hosts.
func listed(t *testing.T) Options {
	t.Helper()
	o := options
	for list, text := range map[*hosts.List]string{
		&o.GitHosts:   "git.example.org,http://10.0.0.5:3000",
		&o.IndexHosts: "packages.example.org",
	} {
		parsed, err := hosts.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		*list = parsed
	}
	return o
}

func TestRepositoriesOfListedHostsAreSources(t *testing.T) {
	for text, want := range map[string]string{
		"helper @ git+https://git.example.org/a/b.git@v1":                "https://git.example.org/a/b.git",
		"-e git+https://git.example.org/a/b@f/x#egg=b&x=1":               "https://git.example.org/a/b",
		"git+https://git@git.example.org/a/b.git#subdirectory=x":         "https://git@git.example.org/a/b.git",
		"helper[x] @ git+http://10.0.0.5:3000/a/b/ ; python_version>'3'": "http://10.0.0.5:3000/a/b",
		"git+https://GIT.example.org:443/a/b.git":                        "https://GIT.example.org:443/a/b.git",
	} {
		plan := detectWith(t, map[string]string{"requirements.txt": "six\n" + text}, listed(t))
		if plan.Refused != "" || len(plan.Sources.Git) != 1 || len(plan.Install) != 1 {
			t.Errorf("%s: got %+v, refused: %q", text, plan.Sources, plan.Refused)
			continue
		}
		got := plan.Sources.Git[0]
		if got.Address != want || got.URL.User != nil || got.Where != "requirements.txt:2" ||
			!strings.Contains(strings.Join(plan.Install[0].Argv, " "), "-r requirements.txt") {
			t.Errorf("%s: got %+v, install %q", text, got, plan.Install)
		}
	}
}

func TestRepositoryThatTheOperatorHasNotOpenedNamesTheSetting(t *testing.T) {
	for text, want := range map[string]string{
		"a @ git+https://git.example.com/a/b":              "git.example.com/a/b is not open to builds: the",
		"a @ git+http://git.example.org/a/b":               "git.example.org/a/b is not open to builds: the",
		"a @ git+https://git.example.org:8443/a/b":         "git.example.org:8443/a/b is not open to builds: the",
		"a @ git+https://git.example.org@evil.example/a/b": "evil.example/a/b is not open to builds: the",
		"a @ git+ssh://git@git.example.org/a/b":            "which have no ssh key: write git+https://",
		"a @ git+git://git.example.org/a/b":                "by git+https:// alone",
		"a @ git+file:///etc":                              "by git+https:// alone",
		"a @ hg+https://git.example.org/a/b":               "not open to builds",
		"a @ https://git.example.org/a/b.zip":              "not open to builds",
		"a @ git+https://me:secret@git.example.org/a/b":    "comes with a password",
		"a @ git+https://secret@git.example.org/a/b":       "comes with a password",
		"a @ git+https://git.example.org/a/../b":           "no address of a repository",
		"a @ git+https://git.example.org/a/%2e%2e/b":       "no address of a repository",
		"a @ git+https://git.example.org/":                 "no address of a repository",
		"a @ git+https://git.example.org/a/${TOKEN}":       "no address of a repository",
		"a @ git+https://${HOST}/a/b":                      "",
		"a @ git+https://git.example.org/a/b?service=x":    "no address of a repository",
	} {
		wantRefused(t, "six\n"+text, "requirements.txt:2: ", want)
	}
}

// wantRefused looks for a plan of these requirements that gets nothing from anywhere and says why not, of
// a line, without a password.
func wantRefused(t *testing.T, requirements, line, want string) {
	t.Helper()
	plan := detectWith(t, map[string]string{"requirements.txt": requirements}, listed(t))
	if !strings.HasPrefix(plan.Refused, line) || !strings.Contains(plan.Refused, want) ||
		len(plan.Install)+len(plan.Sources.Git)+len(plan.Sources.Indexes) != 0 {
		t.Errorf("%s: got %q, sources %+v, want %q", requirements, plan.Refused, plan.Sources, want)
	}
	if strings.Contains(plan.Text(), "secret") {
		t.Errorf("%s: the plan shows a password:\n%s", requirements, plan.Text())
	}
}

// TestRepositoriesThatAProjectDependsOnAreSources: pip reads these by itself.
func TestRepositoriesThatAProjectDependsOnAreSources(t *testing.T) {
	const build = "[build-system]\nrequires = ['setuptools']\n"
	const project = "[project]\nname = 'x'\nversion = '1'\ndependencies = ['b @ git+https://git.example.org/a/b']\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int
	}{
		"a package":      {map[string]string{"pyproject.toml": build + project}, 1},
		"an application": {map[string]string{"pyproject.toml": project}, 1},
		"Poetry's": {map[string]string{"pyproject.toml": "[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\n" +
			"b = { git = 'https://git.example.org/a/b', tag = 'v1' }\n"}, 1},
		"requirements decide": {map[string]string{"pyproject.toml": build + project, "requirements.txt": "six"}, 0},
	} {
		plan := detectWith(t, c.files, listed(t))
		if len(plan.Sources.Git) != c.want || plan.Refused != "" {
			t.Errorf("%s: got %+v, refused %q", name, plan.Sources, plan.Refused)
		}
		if plan = detect(t, c.files); (plan.Refused != "") != (c.want > 0) {
			t.Errorf("%s, of a host that is not listed: refused %q", name, plan.Refused)
		}
	}
}

func TestIndexesOfListedHostsAreSources(t *testing.T) {
	const at = "https://packages.example.org/"
	for text, want := range map[string]string{
		"--extra-index-url " + at + "simple":        "--extra-index-url " + at + "simple",
		"-i " + at + "simple":                       "--index-url " + at + "simple",
		"-f " + at + "whl/stable.html#x":            "--find-links " + at + "whl/stable.html",
		"--extra-index-url https://pypi.org/simple": "",
	} {
		plan := detectWith(t, map[string]string{"requirements.txt": text + "\nsix\n-f ./wheels"}, listed(t))
		got := ""
		for _, s := range plan.Sources.Indexes {
			got += s.Option + " " + s.URL.String()
		}
		if got != want || plan.Refused != "" || len(plan.Install) != 1 {
			t.Errorf("%s: got %q, want %q; refused %q", text, got, want, plan.Refused)
			continue
		}
		argv := plan.Install[0].Argv
		if strings.Contains(strings.Join(argv, " "), "example.org") || !slices.Contains(argv, "./wheels") {
			t.Errorf("%s: pip is called with %q", text, argv)
		}
	}
}

func TestIndexThatTheOperatorHasNotOpenedNamesTheSetting(t *testing.T) {
	for text, want := range map[string]string{
		"-f https://download.example.org/whl/stable.html":      "of download.example.org is not open to builds: the",
		"--extra-index-url http://packages.example.org/simple": "of packages.example.org is not open to builds: the",
		"-i https://git.example.org/simple":                    "of git.example.org is not open to builds: the",
		"-i https://me:secret@packages.example.org/simple":     "comes with a password",
		"-f file:///etc": "no http or https address",
		"--index-url packages.example.org/simple": "no http or https address",
	} {
		wantRefused(t, text+"\nsix", "requirements.txt:1: ", want)
	}
}

func TestIndexStaysOpenWhereTheRepositoryAsksForIt(t *testing.T) {
	for setting, want := range map[string]bool{"index = true": true, "index = false": false, "": false} {
		plan := detect(t, map[string]string{"pyproject.toml": "[tool.vivarium]\n" + setting + "\n"})
		if plan.IndexOpen != want || strings.Contains(plan.Text(), "open to lint and test") != want || len(plan.Lowered) > 0 {
			t.Errorf("%q: open %v, the plan says\n%s", setting, plan.IndexOpen, plan.Text())
		}
	}
}

// TestIndexBesideHashesIsTakenOutOfACopy: pip takes hashes from files alone. pip-compile writes such.
func TestIndexBesideHashesIsTakenOutOfACopy(t *testing.T) {
	const hash = "six==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11 # why\n"
	for name, index := range map[string]string{
		"the usual one": "https://pypi.org/simple", "a listed one": "https://packages.example.org/simple",
	} {
		plan := detectWith(t, map[string]string{
			"requirements.txt": "--index-url " + index + "\n-c bounds.txt\n" + hash, "bounds.txt": "six<2\n",
		}, listed(t))
		file, text := plan.Written()
		argv := strings.Join(plan.Install[0].Argv[len(pip):], " ")
		if want := "-c bounds.txt -r " + file; plan.Refused != "" || argv != want {
			t.Errorf("%s: got %q, want %q; refused %q", name, argv, want, plan.Refused)
		}
		if text != "six==1     --hash=sha256:00     --hash=sha256:11\n" {
			t.Errorf("%s: the copy is %q", name, text)
		}
	}
	plan := detect(t, map[string]string{"requirements.txt": hash})
	if _, text := plan.Written(); text != "" || !slices.Contains(plan.Install[0].Argv, "requirements.txt") {
		t.Errorf("without an index: %q, and a copy %q", plan.Install, text)
	}
}
