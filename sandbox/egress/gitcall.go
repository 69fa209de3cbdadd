package egress

import (
	"io"
	"net/http"
)

// gitCall is one of the two requests that a fetch over git's smart HTTP protocol makes.
type gitCall struct {
	method string
	path   string // below the repository's URL, with its query
	header http.Header
	want   string // the content type of a good answer
	body   io.Reader
	length int64 // of body; -1 when not known
}

const (
	advertisePath  = "/info/refs?service=git-upload-pack"
	uploadPackPath = "/git-upload-pack"
)

// parseGitCall matches a request against the two that are offered of the repository at a path. The
// request line is compared as it was sent, so no other spelling of a path, absolute-form or query
// gets by.
func parseGitCall(r *http.Request, repository string) (gitCall, *refusal) {
	var c gitCall
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return c, refuse(http.StatusMethodNotAllowed, "method not allowed: a fetch uses GET and POST")
	}
	switch r.RequestURI {
	case repository + advertisePath:
		c = gitCall{method: http.MethodGet, path: advertisePath, want: "application/x-git-upload-pack-advertisement"}
	case repository + uploadPackPath:
		c = gitCall{method: http.MethodPost, path: uploadPackPath, want: "application/x-git-upload-pack-result"}
	case repository + "/info/refs?service=git-receive-pack", repository + "/git-receive-pack":
		return c, refuse(http.StatusForbidden, "this repository can only be fetched from, not pushed to")
	default:
		return c, refuse(http.StatusNotFound, "only a fetch from %s over git's smart HTTP protocol is offered here",
			repository)
	}
	if r.Method != c.method {
		return c, refuse(http.StatusMethodNotAllowed, "method not allowed: only %s is", c.method)
	}
	c.length = r.ContentLength
	if c.method == http.MethodGet && c.length != 0 {
		return c, refuse(http.StatusBadRequest, "this request has no body")
	}
	c.header = http.Header{
		"Accept": {c.want},
		// Left to itself, Go's transport would ask for gzip and unpack it.
		"Accept-Encoding": {"identity"},
		"User-Agent":      {"git/vivarium"}, // GitHub serves smart HTTP to user agents that begin with git/
	}
	return c, c.addClientHeaders(r)
}

// addClientHeaders adds the headers that the client may choose, each from a few known values.
func (c *gitCall) addClientHeaders(r *http.Request) *refusal {
	switch v := r.Header.Values("Git-Protocol"); {
	case len(v) == 0:
	case len(v) == 1 && (v[0] == "version=1" || v[0] == "version=2"):
		c.header.Set("Git-Protocol", v[0])
	default:
		return refuse(http.StatusBadRequest, "Git-Protocol must be version=1 or version=2")
	}
	if c.method == http.MethodGet {
		return nil
	}
	const request = "application/x-git-upload-pack-request"
	if v := r.Header.Values("Content-Type"); len(v) != 1 || v[0] != request {
		return refuse(http.StatusUnsupportedMediaType, "Content-Type must be %s", request)
	}
	c.header.Set("Content-Type", request)
	switch v := r.Header.Values("Content-Encoding"); {
	case len(v) == 0:
	case len(v) == 1 && v[0] == "gzip":
		c.header.Set("Content-Encoding", "gzip")
	default:
		return refuse(http.StatusUnsupportedMediaType, "Content-Encoding must be gzip or absent")
	}
	return nil
}

// answeredBy reports whether res is what a git client expects. With anything else the client would
// fall back to the dumb protocol, which is not offered.
func (c gitCall) answeredBy(res *http.Response) bool {
	return res.StatusCode == http.StatusOK && res.Header.Get("Content-Type") == c.want
}
