package python

import (
	"strings"
	"testing"
)

func TestSatisfies(t *testing.T) {
	for _, c := range []struct {
		set, version string
		yes, ok      bool
	}{
		{">=3.8", "3.11.2", true, true},
		{">=3.8,<3.11", "3.11.2", false, true},
		{">= 3.8 , < 4", "3.11.2", true, true},
		{"~=3.8", "3.11.2", true, true},
		{"~=3.8.1", "3.11.2", false, true},
		{"~=3.11.1", "3.11.2", true, true},
		{"==3.11.*", "3.11.2", true, true},
		{"==3.11", "3.11.2", false, true},
		{"===3.11.2", "3.11.2", true, true},
		{"!=3.11.*", "3.11.2", false, true},
		{"!=3.0.*,!=3.1.*", "3.11.2", true, true},
		{">3.11", "3.11.2", false, true}, // PEP 440: 3.11.2 is a release of 3.11's series, not after it
		{">3.10", "3.11.2", true, true},
		{"<3.12", "3.11.2", true, true},
		{"<=3.11", "3.11.2", false, true},
		{"", "3.11.2", true, true},
		{"3.11", "3.11.2", false, false},
		{">=three", "3.11.2", false, false},
		{">=3.*", "3.11.2", false, false},
		{"^3.8", "3.11.2", false, false},
	} {
		v, _ := parseVersion(c.version)
		if yes, ok := v.satisfies(c.set); yes != c.yes || ok != c.ok {
			t.Errorf("%s meets %q: got %v, %v; want %v, %v", c.version, c.set, yes, ok, c.yes, c.ok)
		}
	}
}

func TestDetectChoosesTheImage(t *testing.T) {
	requires := func(set string) map[string]string {
		return map[string]string{"pyproject.toml": "[project]\nname='x'\nrequires-python='" + set + "'"}
	}
	for name, c := range map[string]struct {
		files map[string]string
		image string
		note  string
	}{
		"default": {nil, "python-3.11", ""},
		"configured": {
			map[string]string{"pyproject.toml": "[tool.vivarium]\npython='3.13'", ".python-version": "3.12"},
			"python-3.13",
			"",
		},
		".python-version": {
			map[string]string{".python-version": "# ours\n3.12\n3.9\n"},
			"python-3.12",
			"",
		},
		".python-version, other patch":  {map[string]string{".python-version": "3.12.8\n"}, "python-3.12", ""},
		".python-version without image": {map[string]string{".python-version": "3.14"}, "python-3.11", "3.14"},
		".python-version of another kind": {
			map[string]string{".python-version": "pypy3.10-7.3"},
			"python-3.11",
			"pypy",
		},
		"requires-python met by default": {requires(">=3.8"), "python-3.11", ""},
		"requires a newer one":           {requires(">=3.12"), "python-3.12", ""},
		"requires an older one":          {requires("<3.11"), "python-3.9", ""},
		"requires what is not there":     {requires(">=3.20"), "python-3.11", ">=3.20"},
		"requires nonsense":              {requires("newest"), "python-3.11", "newest"},
		"python_requires of setup.cfg": {
			map[string]string{"setup.cfg": "[options]\npython_requires = >=3.12\n"},
			"python-3.12",
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			plan := detect(t, c.files)
			if plan.Image.Name != c.image || plan.ImageReason == "" {
				t.Errorf("got %+v because %q, want %s", plan.Image, plan.ImageReason, c.image)
			}
			if notes := strings.Join(plan.Notes, "\n"); c.note != "" && !strings.Contains(notes, c.note) {
				t.Errorf("notes %q do not mention %q", notes, c.note)
			}
		})
	}
}

func TestDetectRefusesAConfiguredPythonThatIsNotThere(t *testing.T) {
	e := detectError(t, map[string]string{"pyproject.toml": "[tool.vivarium]\npython='3.14'"})
	for _, want := range []string{"3.11.2", "vivarium images build python-3.14"} {
		if !strings.Contains(e.Error(), want) {
			t.Errorf("%v does not say %q", e, want)
		}
	}
}
