package interpreter

import "testing"

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
