package egress

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"vivarium/sandbox/egress/egresstest"
)

func address(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

var localLink = regexp.MustCompile(`/files/[0-9a-f]{32}/[^"#]+`)

// linkOf asks a service for a page, and gives the first link in it.
func linkOf(t *testing.T, base, page string) string {
	t.Helper()
	code, body := raw(t, base, get(page))
	if code != http.StatusOK {
		t.Fatalf("%s: got %d: %s", page, code, body)
	}
	return localLink.FindString(body)
}

// TestFurtherIndexAndPageOfLinksAreServed with what is no part of the configured index.
func TestFurtherIndexAndPageOfLinksAreServed(t *testing.T) {
	main, other := egresstest.IndexFor(t, egresstest.IndexConfig{}), egresstest.IndexFor(t, egresstest.IndexConfig{})
	other.Add(
		egresstest.Wheel("helper", "1.0", nil),
		egresstest.File{Name: "helper-2.0.tar.gz", Data: []byte("x"), NoHash: true},
	)
	x := newIndex(t, main, nil)
	own, _ := newSession(t, x)
	if code, _ := raw(t, own, get("/simple/helper/")); code != http.StatusNotFound {
		t.Fatalf("control: the configured index answers %d", code)
	}
	for name, c := range map[string]struct {
		index *Index
		page  string
		not   string
	}{
		"an index":        {x.Further(address(t, strings.TrimSuffix(other.URL(), "/"))), "/simple/helper/", LinksPath},
		"a page of links": {x.Links(address(t, other.URL()+"helper/#x")), LinksPath, "/simple/helper/"},
	} {
		t.Run(name, func(t *testing.T) {
			base, _ := newSession(t, c.index)
			link := linkOf(t, base, c.page)
			if code, _ := raw(t, base, get(link)); link == "" || code != http.StatusOK {
				t.Errorf("the file %q: got %d", link, code)
			}
			if code, _ := raw(t, own, get(link)); code != http.StatusNotFound {
				t.Errorf("its link in another session: got %d", code)
			}
			if code, _ := raw(t, base, get(c.not)); code != http.StatusNotFound {
				t.Errorf("%s: got %d", c.not, code)
			}
			if code, _ := raw(t, base, get("/simple/nowhere/")); code != http.StatusNotFound {
				t.Errorf("what is not there: got %d", code)
			}
		})
	}
}

// TestFurtherIndexHasNoRightsOfTheConfiguredOne: neither its password nor its address.
func TestFurtherIndexHasNoRightsOfTheConfiguredOne(t *testing.T) {
	main := egresstest.IndexFor(t, egresstest.IndexConfig{Password: canary})
	main.Add(egresstest.Wheel("secret", "1.0", nil))
	evil := egresstest.IndexFor(t, egresstest.IndexConfig{})
	file := egresstest.File{
		Name: "secret-1.0.tar.gz", Data: []byte("x"), NoHash: true, URL: main.URL() + "secret/secret-1.0.tar.gz",
	}
	evil.Add(file)
	x := newIndex(t, main, func(c *IndexConfig) {
		c.Upstream.User = url.UserPassword("me", canary)
		c.Allow = nil
	})
	own, _ := newSession(t, x)
	if link := linkOf(t, own, "/simple/secret/"); link == "" {
		t.Fatal("control: the configured index is not read with its password")
	}
	before := len(main.Requests())
	for _, further := range []*Index{x.Further(address(t, evil.URL())), x.Links(address(t, evil.URL()+"secret/"))} {
		base, _ := newSession(t, further)
		page := "/simple/secret/"
		if further.links {
			page = LinksPath
		}
		link := linkOf(t, base, page)
		if code, body := raw(t, base, get(link)); link == "" || code != http.StatusForbidden {
			t.Errorf("%q: got %d: %s", link, code, body)
		}
	}
	// The same index as a further one is asked without the password.
	base, _ := newSession(t, x.Further(address(t, main.URL())))
	if code, _ := raw(t, base, get("/simple/secret/")); code != http.StatusForbidden {
		t.Errorf("without the password: got %d", code)
	}
	for _, r := range main.Requests()[before:] {
		if r.Header.Get("Authorization") != "" || !strings.HasSuffix(r.Path, "/simple/secret/") {
			t.Errorf("%s arrived with %q", r.Path, r.Header.Get("Authorization"))
		}
	}
}

// TestPageOfLinksHasTheRightsOfItsFolder and of nothing beside it.
func TestPageOfLinksHasTheRightsOfItsFolder(t *testing.T) {
	x := newIndex(t, egresstest.IndexFor(t, egresstest.IndexConfig{}), nil)
	for page, c := range map[string]struct{ own, not string }{
		"https://h/whl/stable.html": {"https://h/whl/cpu/a.whl", "https://h/private/a.whl"},
		"https://h/whl/":            {"https://h/whl/a.whl", "https://h/whlx/a.whl"},
		"https://h/a/b":             {"https://h/a/c.whl", "https://h/b/c.whl"},
		"https://h":                 {"https://h/a.whl", "https://other/a.whl"},
	} {
		links := x.Links(address(t, page))
		f := links.fetcher
		if !f.owns(links.upstream, false) || !f.owns(address(t, c.own), false) || f.owns(address(t, c.not), false) {
			t.Errorf("%s: below %q", page, f.below)
		}
	}
}
