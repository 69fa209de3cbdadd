package egress

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"vivarium/sandbox/egress/watchdog"
	"vivarium/sandbox/quantity"
)

const (
	defaultMaxRepository = 2 << 30 // what the default sandbox has room for
	// maxWants bounds what a client may ask for. A shallow fetch sends less than a
	// kilobyte; a full one names at most some hundred commits that it has.
	maxWants = 16 << 20
)

// GitPath is the local repository's path on the service.
const GitPath = "/repo.git"

// GitConfig says which one repository a Git proxy opens.
type GitConfig struct {
	// Upstream is the repository's own URL, such as https://github.com/OWNER/NAME.git. Credentials
	// in it are not used.
	Upstream  *url.URL
	Token     string // added only to requests to exactly Upstream's origin; empty for none
	Transport http.RoundTripper
	MaxBytes  int64  // a response larger than this is cut off; 0 is the default
	Path      string // on the service; empty is GitPath

	// Leads reports whether a redirect may lead somewhere, for a repository that is fetched without
	// credentials. nil: to any public host.
	Leads func(*url.URL) bool
	// Bound may end what the host sends, by ErrTooLarge; nil: MaxBytes alone does.
	Bound func(io.Reader) io.Reader
}

// Git is a reverse proxy to one repository, fetch only. The repository stands at GitPath.
type Git struct {
	upstream string // without a slash at the end
	origin   string
	auth     string // the Authorization header; empty for none
	own      http.RoundTripper
	other    http.RoundTripper // for redirects to another origin
	maxBytes int64
	stall    time.Duration
	path     string
	leads    func(*url.URL) bool
	bound    func(io.Reader) io.Reader

	mu      sync.Mutex
	base    string // upstream, or where it was redirected to
	failure *GitFailure
}

// NewGit makes the proxy.
func NewGit(c GitConfig) *Git {
	u := *c.Upstream
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	g := &Git{
		upstream: strings.TrimRight(u.String(), "/"),
		origin:   origin(&u),
		own:      c.Transport,
		other:    sharedGuarded(),
		maxBytes: c.MaxBytes,
		stall:    stallTimeout,
		path:     cmp.Or(c.Path, GitPath),
		leads:    c.Leads,
		bound:    c.Bound,
	}
	if g.bound == nil {
		g.bound = func(r io.Reader) io.Reader { return r }
	}
	if g.own == nil {
		g.own = sharedOwn()
	}
	if g.maxBytes <= 0 {
		g.maxBytes = defaultMaxRepository
	}
	if c.Token != "" {
		g.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+c.Token))
	}
	g.base = g.upstream
	return g
}

// All builds share their connections to git hosts.
var (
	sharedOwn     = sync.OnceValue(func() http.RoundTripper { return transport(nil) })
	sharedGuarded = sync.OnceValue(func() http.RoundTripper { return guard{public: true}.transport(nil) })
)

func (g *Git) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, no := parseGitCall(r, g.path)
	if no != nil {
		answer(w, no.status, no.reason)
		return
	}
	call.body = &clientBody{http.MaxBytesReader(w, r.Body, maxWants)}
	dog := watchdog.Watch(r.Context(), g.stall)
	defer dog.Stop()
	res, err := g.send(dog, call)
	dog.Rest()
	if err != nil {
		status, message := g.failed(r.Context(), err)
		answer(w, status, message)
		return
	}
	defer res.Body.Close()
	if !call.answeredBy(res) {
		// The text of an error may be endless too.
		res.Body = struct {
			io.Reader
			io.Closer
		}{dog.Reader(res.Body), res.Body}
		status, message := g.rejected(call, res)
		answer(w, status, message)
		return
	}
	g.pass(w, r, res, dog)
}

// pass streams a good answer to the client as it comes.
func (g *Git) pass(w http.ResponseWriter, r *http.Request, res *http.Response, dog *watchdog.Dog) {
	h := w.Header()
	h.Set("Content-Type", res.Header.Get("Content-Type"))
	h.Set("Cache-Control", "no-cache")
	if e := res.Header.Get("Content-Encoding"); e != "" {
		h.Set("Content-Encoding", e)
	}
	w.WriteHeader(res.StatusCode)
	n, err := stream(w, g.bound(dog.Reader(res.Body)), g.maxBytes)
	var up *upstreamError
	var stalled *watchdog.StalledError
	switch {
	case err == nil:
		g.recovered()
		return
	case errors.Is(err, errTooLarge):
		g.fail(GitFailure{StatusCode: res.StatusCode, Message: fmt.Sprintf(
			"the git host sent more than %s, the limit: cut off", quantity.Bytes(g.maxBytes))})
	case errors.As(err, &up) && (r.Context().Err() == nil || errors.As(err, &stalled)):
		g.fail(
			GitFailure{
				Unreachable: true,
				Heals:       true,
				Stalled:     errors.As(err, &stalled),
				StatusCode:  res.StatusCode,
				Message: oneLine(fmt.Sprintf(
					"git host %s broke off its answer after %d bytes: %s", res.Request.URL.Host, n, brief(up.err))),
			},
		)
	}
	// The client must see a broken answer, and not a complete one that is too short.
	panic(http.ErrAbortHandler)
}
