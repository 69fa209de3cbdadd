package hosts

import (
	"net/url"
	"slices"
	"testing"
)

func TestParseTakesHostsAndNothingElse(t *testing.T) {
	for text, want := range map[string]List{
		"git.example.org":                       {"https://git.example.org:443"},
		"Git.Example.org:8443, http://10.0.0.5": {"https://git.example.org:8443", "http://10.0.0.5:80"},
		"https://git.example.org/":              {"https://git.example.org:443"},
		"http://[::1]:3000":                     {"http://::1:3000"},
	} {
		if got, err := Parse(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", ",", "a,", "ssh://a", "git+https://a", "https://user@a", "a/b", "https://a/b", "a?b", "a#b", "*.example.org",
		"https://",
	} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q was taken, as %q", text, got)
		}
	}
}

func TestListHasTheOriginsThatItNames(t *testing.T) {
	l, err := Parse("git.example.org,http://10.0.0.5:3000")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"https://git.example.org/a/b":      true,
		"https://GIT.example.org:443/a/b":  true,
		"http://10.0.0.5:3000/a":           true,
		"http://git.example.org/a/b":       false,
		"https://git.example.org:444/a/b":  false,
		"https://10.0.0.5:3000/a":          false,
		"https://evil.git.example.org/a":   false,
		"https://git.example.org.evil/a":   false,
		"https://git.example.org@evil/a":   false,
		"ssh://git.example.org/a":          false,
		"git.example.org/a":                false,
		"https:///git.example.org/a":       false,
		"https://git.example.org:443443/a": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Has(u); got != want {
			t.Errorf("%s: got %v, want %v", address, got, want)
		}
	}
	if (List{}).Has(&url.URL{Host: "x"}) || (List{""}).Has(&url.URL{Scheme: "ssh", Host: "x"}) {
		t.Error("what has no origin is listed")
	}
}
