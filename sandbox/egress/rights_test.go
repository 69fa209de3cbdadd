package egress

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"vivarium/sandbox/egress/egresstest"
	"vivarium/sandbox/egress/simpleindex"
)

// privateHost is an index on an address that nobody else may reach, which asks for a password and
// has more than an index.
type privateHost struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string // paths, and whether the password came with each
}

const privateSecret = "what only this network may see"

func startPrivateHost(t *testing.T, elsewhere func() string) *privateHost {
	t.Helper()
	h := &privateHost{}
	hashed := "#sha256=" + egresstest.File{Data: []byte(privateSecret)}.SHA256()
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		h.mu.Lock()
		h.seen = append(h.seen, fmt.Sprint(r.URL.EscapedPath(), " ", password == "hunter2"))
		h.mu.Unlock()
		w.Header().Set("Content-Type", simpleindex.PlainType)
		switch r.URL.EscapedPath() {
		case "/simple/own/":
			fmt.Fprint(w, `<a href="/simple/f/below-1.tar.gz"></a>`+
				`<a href="/simple/f/local-1%2Bx.tar.gz"></a>`+
				`<a href="/private/beside-1.tar.gz"></a>`+
				`<a href="/private/hashed-1.tar.gz`+hashed+`"></a>`+
				`<a href="/simple/%2e%2e/private/dots-1.tar.gz"></a>`+
				`<a href="/simple/x%2f..%2f../private/slashes-1.tar.gz"></a>`+
				`<a href="/simple/x\..\..\private/back-1.tar.gz"></a>`+
				`<a href="`+elsewhere()+`/back/to-1.tar.gz`+hashed+`"></a>`)
		case "/simple/led-away/", "/simple/led-back/":
			http.Redirect(w, r, elsewhere()+r.URL.Path, http.StatusFound)
		case "/simple/beside/":
			http.Redirect(w, r, "/private/page/", http.StatusFound)
		case "/private/page/", "/simple/secret/":
			fmt.Fprint(w, `<a href="/simple/f/named-1.tar.gz"></a>`)
		default:
			fmt.Fprint(w, privateSecret)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// asked are the requests since the last call, without those for pages of the index.
func (h *privateHost) asked() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var some []string
	for _, s := range h.seen {
		if !strings.HasPrefix(s, "/simple/own/ ") && !strings.HasPrefix(s, "/simple/led-") &&
			!strings.HasPrefix(s, "/simple/beside/ ") {
			some = append(some, s)
		}
	}
	h.seen = nil
	return strings.Join(some, ", ")
}

func TestOnlyPagesOfTheIndexsOwnOriginHaveItsRights(t *testing.T) {
	var other *httptest.Server
	h := startPrivateHost(t, func() string { return other.URL })
	listener, err := net.Listen("tcp", "127.0.0.2:0") // the operator lists this address, but not the index's own
	if err != nil {
		t.Fatal(err)
	}
	other = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", simpleindex.PlainType)
		switch r.URL.Path {
		case "/simple/led-away/":
			led := egresstest.File{Data: []byte(privateSecret)}
			fmt.Fprint(w, `<base href="`+h.URL+`/simple/">`+
				`<a href="f/bare-1.tar.gz"></a>`+
				`<a href="/private/led-1.tar.gz#sha256=`+led.SHA256()+`"></a>`)
		case "/simple/led-back/":
			http.Redirect(w, r, h.URL+"/simple/secret/", http.StatusFound)
		default:
			http.Redirect(w, r, h.URL+"/private"+r.URL.Path, http.StatusFound)
		}
	}))
	other.Listener.Close()
	other.Listener = listener
	other.Start()
	t.Cleanup(other.Close)
	u, _ := url.Parse(h.URL + "/simple/")
	u.User = url.UserPassword("me", "hunter2")
	x, err := NewIndex(IndexConfig{Upstream: u, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	if err != nil {
		t.Fatal(err)
	}
	s, _ := newSession(t, x)
	ownPage, ledPage := links(t, s, "own"), links(t, s, "led-away")
	h.asked()
	for _, c := range []struct {
		what, address, arrives string
	}{
		{"control: below the index's path", ownPage["below-1.tar.gz"], "/simple/f/below-1.tar.gz true"},
		{
			"control: below it, with an escape in its name",
			ownPage["local-1+x.tar.gz"],
			"/simple/f/local-1%2Bx.tar.gz true",
		},
		{"control: beside it, with a hash", ownPage["hashed-1.tar.gz"], "/private/hashed-1.tar.gz true"},
		{"beside it, without a hash", ownPage["beside-1.tar.gz"], ""},
		{"by encoded dots", ownPage["dots-1.tar.gz"], ""},
		{"by encoded slashes", ownPage["slashes-1.tar.gz"], ""},
		{"by backslashes", ownPage["back-1.tar.gz"], ""},
		{"by a redirect from elsewhere, with a hash", ownPage["to-1.tar.gz"], ""},
		{"by a page that came from elsewhere", ledPage["bare-1.tar.gz"], ""},
		{"by a page that came from elsewhere, with a hash", ledPage["led-1.tar.gz"], ""},
		{"a page by a redirect there and back", s + "/simple/led-back/", ""},
		{"a page by a redirect beside the path", s + "/simple/beside/", ""},
	} {
		if c.address == "" {
			t.Errorf("%s: there is no link", c.what)
			continue
		}
		res, body, _ := request(t, c.address)
		if got := h.asked(); got != c.arrives || (res.StatusCode == 200) != (c.arrives != "") {
			t.Errorf("%s: answered %d (%s), and %q arrived, want %q", c.what, res.StatusCode, body, got, c.arrives)
		}
	}
}
