package egress

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzGitCall: only the two requests of a fetch pass, with no header but those that are written
// here.
func FuzzGitCall(f *testing.F) {
	f.Add("GET", GitPath+advertisePath, "version=2", "", "", int64(0))
	f.Add("POST", GitPath+uploadPackPath, "", "application/x-git-upload-pack-request", "gzip", int64(-1))
	f.Add("POST", "http://other.example"+GitPath+"/git-receive-pack", "version=1\r\nX: y", "text/plain", "br", int64(7))
	f.Fuzz(func(t *testing.T, method, uri, protocol, contentType, encoding string, length int64) {
		r := &http.Request{
			Method:        method,
			RequestURI:    uri,
			ContentLength: length,
			Header:        http.Header{"Authorization": {"mine"}, "Cookie": {"mine"}},
		}
		for name, value := range map[string]string{
			"Git-Protocol":     protocol,
			"Content-Type":     contentType,
			"Content-Encoding": encoding,
		} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		c, refused := parseGitCall(r, GitPath)
		if refused != nil {
			return
		}
		if got := c.method + " " + c.path; got != "GET "+advertisePath && got != "POST "+uploadPackPath ||
			GitPath+c.path != uri {
			t.Errorf("%s %q passed as %s", method, uri, got)
		}
		for name, values := range c.header {
			if name == "Authorization" || name == "Cookie" || len(values) != 1 ||
				strings.ContainsAny(values[0], "\r\n") {
				t.Errorf("the header %s: %q passed", name, values)
			}
		}
	})
}

// FuzzGitRedirect: a redirect leads to the same request on a repository, never from https to plain
// http, and never with a name and password.
func FuzzGitRedirect(f *testing.F) {
	f.Add("https://git.example/new/name.git" + advertisePath)
	f.Add("http://169.254.169.254" + advertisePath)
	f.Add("//user:password@other.example:80/x" + advertisePath + "#y")
	f.Fuzz(func(t *testing.T, location string) {
		base, err := nextBase("https://git.example/a/b.git", gitCall{path: advertisePath}, location)
		if err != nil {
			return
		}
		to, err := url.Parse(base + advertisePath)
		if err != nil || to.Scheme != "https" || to.User != nil || to.Fragment != "" ||
			!strings.HasSuffix(to.RequestURI(), advertisePath) {
			t.Errorf("%q leads to %q (%v)", location, base+advertisePath, err)
		}
	})
}
