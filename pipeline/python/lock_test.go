package python

import (
	"strings"
	"testing"
)

func TestLockFilesBindWhatTheProjectDeclares(t *testing.T) {
	const app = "[project]\nname='app'\ndependencies=['six']\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"uv": {
			map[string]string{
				"pyproject.toml": app,
				"uv.lock": "version = 1\n\n[[package]]\nname = \"app\"\nversion = \"1\"\n" +
					"source = { virtual = \".\" }\ndependencies = [\n    { name = \"six\" },\n]\n\n[[package]]\nname = \"Six\"\n" +
					"version = \"1.0\"\nsource = { registry = \"https://i\" }\n\n[[package]]\nname = \"two\"\nversion = \"1\"\n" +
					"\n[[package]]\nname = \"two\"\nversion = \"2\"\n",
			},
			"six==1.0\n",
		},
		"Poetry": {
			map[string]string{
				"pyproject.toml": app,
				"poetry.lock": "[[package]]\nname = \"six\"\nversion = \"1.0\"\n\n" +
					"[package.dependencies]\nname = \"x\"\n\n[[package]]\nname = \"own\"\nversion = \"3\"\n\n[package.source]\n" +
					"type = \"git\"\nurl = \"u\"\n\n[metadata]\nlock-version = \"2.0\"\n",
			},
			"six==1.0\n",
		},
		"PEP 751": {
			map[string]string{
				"pyproject.toml": app,
				"pylock.toml": "lock-version = \"1.0\"\n[[packages]]\nname = \"six\"\n" +
					"version = \"1.0\"\n[[packages.wheels]]\nname = \"six.whl\"\nurl = \"https://i/six.whl\"\n",
			},
			"six==1.0\n",
		},
		"Pipenv": {
			map[string]string{"Pipfile": "[packages]\nsix='*'\n", "Pipfile.lock": `{"_meta": {"hash": {"sha256": "0"}},
				"default": {"six": {"version": "==1.0"}, "g": {"git": "u"}}, "develop": {"mock": {"version": "==2"}}}`},
			"mock==2\nsix==1.0\n",
		},
		"beside requirements.txt": {
			map[string]string{"requirements.txt": "six", "uv.lock": "[[package]]\nname = \"six\"\nversion = \"1.0\"\n"},
			"",
		},
		"not a version": {
			map[string]string{"pyproject.toml": app, "uv.lock": "[[package]]\nname = \"six\"\nversion = \"1 --pre\"\n"},
			"",
		},
		"broken": {map[string]string{"Pipfile": "[packages]\nsix='*'\n", "Pipfile.lock": `{"default": 3`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			plan := detect(t, c.files)
			file, text := plan.Written()
			if text != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
			if line := Lines(plan.Install); (c.want != "") != strings.Contains(line, " -c /tmp/vivarium-constraints-0.txt ") ||
				(file != "") != (c.want != "") {
				t.Errorf("%s: %s", file, line)
			}
		})
	}
}

func TestALockFileThatIsTooLargeIsPassedOverAloud(t *testing.T) {
	plan := detect(t, map[string]string{
		"pyproject.toml": "[project]\nname='app'\n",
		"uv.lock":        strings.Repeat("#", maxReadFile+1),
	})
	if got := strings.Join(plan.PassedOver, "; "); got != "uv.lock (it is too large)" {
		t.Errorf("got %q", got)
	}
}

func TestALockedVersionIsLetGoByItsName(t *testing.T) {
	plan := detect(t, map[string]string{
		"app/pyproject.toml": "[project]\nname='app'\ndependencies=['six']\n",
		"app/uv.lock": "[[package]]\nname = \"six\"\nversion = \"1.0\"\n\n[[package]]\nname = \"b\"\n" +
			"version = \"2\"\n",
	})
	said, ok := plan.LetGo([]string{"nobody", "six"})
	if !ok || !strings.HasPrefix(said, "six==1.0 of uv.lock is let go") {
		t.Errorf("got %q, %t", said, ok)
	}
	file, text := plan.Written()
	if line := Lines(plan.Install); text != "b==2\n" || !strings.Contains(line, " -c "+file+" six") ||
		!strings.HasPrefix(line, "cd app && ") || file == "/tmp/vivarium-constraints-0.txt" {
		t.Errorf("%s holds %q; %s", file, text, line)
	}
	if _, again := plan.LetGo([]string{"six"}); again {
		t.Error("it is let go twice")
	}
	if _, ok := plan.LetGo([]string{"b"}); !ok || strings.Contains(Lines(plan.Install), " -c ") {
		t.Errorf("the last one: %s", Lines(plan.Install))
	}
}
