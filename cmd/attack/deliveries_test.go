package attack

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"vivarium/server"
	"vivarium/server/github/delivery"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/store"
	"vivarium/server/store/builds"
)

const secret = "attack-webhook-secret-9c3e"

// receiver is the product's server over a real store, on a real port.
type receiver struct {
	*httptest.Server
	builds *store.Store
}

func newReceiver(t *testing.T, o store.Options) *receiver {
	t.Helper()
	builds, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return receive(t, builds, func(c *server.Config) { c.Repositories = []string{"octo/*", "octo-org/*"} })
}

// receive serves builds with a shared secret and the operator's key. change may alter the
// configuration. The store closes with the test.
func receive(t *testing.T, builds *store.Store, change func(*server.Config)) *receiver {
	t.Helper()
	c := server.Config{
		ServerURL: "https://git.example", WebhookSecret: secret, Key: operatorsKey, Version: "attack",
		Log:   slog.New(slog.DiscardHandler),
		Ready: func(context.Context) error { return nil },
	}
	change(&c)
	s, err := server.New(c, builds)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{httptest.NewServer(s.Handler()), builds}
	t.Cleanup(func() {
		r.Close()
		http.DefaultClient.CloseIdleConnections()
		if err := builds.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// count is how many builds there are, which is all that a delivery can change.
func (r *receiver) count(t *testing.T) int {
	t.Helper()
	list, err := r.builds.Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true}, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// post sends a delivery and gives the answer's status and text.
func (r *receiver) post(t *testing.T, header http.Header, body []byte) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL+"/webhook", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// forgery is a delivery by somebody who does not know the secret.
type forgery struct {
	tried  string
	header func(h http.Header, body []byte)
	sent   func(body []byte) []byte // nil: the body as it is
}

const signatureHeader = "X-Hub-Signature-256"

func signed(value func(body []byte) string) func(http.Header, []byte) {
	return func(h http.Header, body []byte) { h[signatureHeader] = []string{value(body)} }
}

var forgeries = map[string]forgery{
	"missing": {tried: "no signature", header: func(h http.Header, _ []byte) { h.Del(signatureHeader) }},
	"wrong": {
		tried:  "a signature by another secret",
		header: signed(func(b []byte) string { return events.Sign("guess", b) }),
	},
	"empty-secret": {
		tried:  "a signature by the empty secret",
		header: signed(func(b []byte) string { return events.Sign("", b) }),
	},
	"empty":     {tried: "an empty signature", header: signed(func([]byte) string { return "" })},
	"no-digits": {tried: "sha256= and nothing", header: signed(func([]byte) string { return "sha256=" })},
	"truncated": {
		tried:  "the first 62 digits of the right one",
		header: signed(func(b []byte) string { return events.Sign(secret, b)[:69] }),
	},
	"lengthened": {
		tried:  "the right one with two digits more",
		header: signed(func(b []byte) string { return events.Sign(secret, b) + "00" }),
	},
	"one-digit": {tried: "the right one with its last digit changed", header: signed(changeLast)},
	"zeros": {
		tried:  "64 zeros",
		header: signed(func([]byte) string { return "sha256=" + strings.Repeat("0", 64) }),
	},
	"sha1": {tried: "the right secret, but SHA-1 alone", header: func(h http.Header, b []byte) {
		h.Del(signatureHeader)
		h["X-Hub-Signature"] = []string{signSHA1(b)}
	}},
	"sha1-in-place": {tried: "SHA-1 in the place of SHA-256", header: signed(signSHA1)},
	"two-signatures": {tried: "a wrong signature and the right one", header: func(h http.Header, b []byte) {
		h[signatureHeader] = []string{events.Sign("guess", b), events.Sign(secret, b)}
	}},
	"signature-and-another": {tried: "the right signature and a wrong one", header: func(h http.Header, b []byte) {
		h[signatureHeader] = []string{events.Sign(secret, b), events.Sign("guess", b)}
	}},
	"another-body": {tried: "the right signature of another body", sent: func(b []byte) []byte {
		return bytes.Replace(b, []byte(`"refs/heads/main"`), []byte(`"refs/heads/evil"`), 1)
	}},
	"space-added": {
		tried: "the right signature, one space more in the body",
		sent:  func(b []byte) []byte { return append(b, ' ') },
	},
	"re-encoded": {tried: "the right signature, the same JSON written anew", sent: rewrite},
	"form": {
		tried: "the signature of the JSON, sent as a form",
		header: func(h http.Header, _ []byte) {
			h.Set("Content-Type", "application/x-www-form-urlencoded")
		},
		sent: func(b []byte) []byte { return []byte(url.Values{"payload": {string(b)}}.Encode()) },
	},
}

// TestDeliveries posts deliveries that GitHub has not sent.
func TestDeliveries(t *testing.T) {
	r := newReceiver(t, store.Options{DataDir: t.TempDir()})
	next := 0
	payload := func() []byte {
		next++
		return events.Push{SHA: fmt.Sprintf("%040x", next)}.Payload()
	}
	for name, f := range sorted(forgeries) {
		attack(t, name, f.tried, func(t *testing.T, l *line) {
			body := payload()
			header := events.Header(secret, "push", body)
			if f.header != nil {
				f.header(header, body)
			}
			sent := body
			if f.sent != nil {
				sent = f.sent(bytes.Clone(body))
			}
			before := r.count(t)
			code, text := r.post(t, header, sent)
			if code != http.StatusUnauthorized || r.count(t) != before {
				t.Errorf("answered %d with %d builds more: %s", code, r.count(t)-before, text)
			}
			l.outcome = fmt.Sprintf("%d, no build", code)
			if code, text := r.post(t, events.Header(secret, "push", body), body); code != http.StatusAccepted ||
				r.count(t) != before+1 {
				t.Errorf("control: the right signature is answered %d: %s", code, text)
			}
			l.control = "the same body with the right signature: 202 and a build"
		})
	}
	r.replays(t, payload)
	r.floods(t, payload)
	noSecret(t, payload())
}

// replays sends a delivery again that was right once.
func (r *receiver) replays(t *testing.T, payload func() []byte) {
	for name, change := range sorted(map[string]func(header http.Header, body []byte) (http.Header, []byte){
		"replayed": func(h http.Header, b []byte) (http.Header, []byte) { return h, b },
		"replayed-under-a-new-id": func(_ http.Header, b []byte) (http.Header, []byte) {
			return events.Header(secret, "push", b), b
		},
		"known-id-for-another-body": func(h http.Header, _ []byte) (http.Header, []byte) {
			b := payload()
			other := events.Header(secret, "push", b)
			other["X-Github-Delivery"] = h["X-Github-Delivery"]
			return other, b
		},
	}) {
		attack(t, name, strings.ReplaceAll(name, "-", " ")+
			": a delivery that was taken once", func(t *testing.T, l *line) {
			body := payload()
			header := events.Header(secret, "push", body)
			before := r.count(t)
			if code, text := r.post(t, header, body); code != http.StatusAccepted || r.count(t) != before+1 {
				t.Errorf("control: at first it is answered %d: %s", code, text)
			}
			l.control = "at first 202 and a build"
			header, body = change(header.Clone(), body)
			code, text := r.post(t, header, body)
			if n := r.count(t); n != before+1 || code != http.StatusAccepted ||
				!strings.Contains(text, "known already") {
				t.Errorf("answered %d with %d builds more, want 202 that says so and none: %s", code, n-before-1, text)
			}
			l.outcome = fmt.Sprintf("%d, no second build", code)
		})
	}
}

// floods sends bodies that nobody has signed and that never end: they must not be read.
func (r *receiver) floods(t *testing.T, payload func() []byte) {
	for name, f := range sorted(map[string]struct{ tried, head string }{
		"flood-unsigned": {"an endless body without a signature", ""},
		"flood-announced": {
			"a signed body of 10 GB",
			"Content-Length: 10000000000\r\n" + signatureHeader + ": sha256=" + strings.Repeat("0", 64) + "\r\n",
		},
	}) {
		attack(t, name, f.tried, func(t *testing.T, l *line) {
			body := payload()
			if code, text := r.post(t, events.Header(secret, "push", body), body); code != http.StatusAccepted {
				t.Errorf("control: a right delivery is answered %d: %s", code, text)
			}
			l.control = "a right delivery: 202"
			head := f.head
			if head == "" {
				head = "Transfer-Encoding: chunked\r\n"
			}
			status, taken := r.flood(t, head)
			const socketBuffers = 16 << 20 // what the kernel buffers of it at either end
			if !strings.HasPrefix(status, "4") || taken > socketBuffers {
				t.Errorf("answered %q after %d bytes", status, taken)
			}
			l.outcome = fmt.Sprintf("%s after %d KiB", status, taken>>10)
		})
	}
}

// flood sends until the server answers or closes the connection. It gives the answer and how much
// the server had taken by then.
func (r *receiver) flood(t *testing.T, head string) (status string, taken int) {
	t.Helper()
	c, err := net.Dial("tcp", r.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience(t, 20*time.Second))); err != nil {
		t.Fatal(err)
	}
	answered := make(chan string, 1)
	go func() {
		answer := make([]byte, 12)
		_, _ = io.ReadFull(c, answer)
		answered <- strings.TrimPrefix(string(answer), "HTTP/1.1 ")
	}()
	const piece = 64 << 10
	if _, err := io.WriteString(c,
		"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\n"+head+
			"\r\n"); err != nil {
		t.Fatal(err)
	}
	block := []byte(fmt.Sprintf("%x\r\n%s\r\n", piece, strings.Repeat("x", piece)))
	for {
		select {
		case status = <-answered:
			return status, taken
		default:
		}
		n, err := c.Write(block)
		if taken += n; err != nil {
			return <-answered, taken
		}
	}
}

// noSecret shows that a server without a secret takes nothing, rather than everything.
func noSecret(t *testing.T, body []byte) {
	attack(t, "no-secret-at-all", "a server without a secret, a "+
		"signature by the empty one", func(t *testing.T, l *line) {
		if _, err := readBy(secret, events.Header(secret, "push", body), body); err != nil {
			t.Errorf("control: with a secret: %v", err)
		}
		l.control = "with a secret and its signature the delivery is read"
		if d, err := readBy("", events.Header("", "push", body), body); err == nil {
			t.Errorf("it was read: %+v", d)
		}
		_, err := server.New(server.Config{
			ServerURL:    "https://git.example",
			Log:          slog.New(slog.DiscardHandler),
			Key:          operatorsKey,
			Repositories: []string{"octo/*"},
			Ready:        func(context.Context) error { return nil },
		}, nil)
		if err == nil {
			t.Error("a server starts that lets repositories in without a secret")
		}
		l.outcome = fmt.Sprintf("refused; and serve does not start: %v", err)
	})
}

// readBy reads a delivery as a server does that lets every repository in by one secret.
func readBy(secret string, h http.Header, body []byte) (delivery.Verified, error) {
	u, err := delivery.Read(h, body)
	if err != nil {
		return delivery.Verified{}, err
	}
	return u.Verify([]string{secret})
}

func changeLast(body []byte) string {
	s := []byte(events.Sign(secret, body))
	last := &s[len(s)-1]
	if *last == '0' {
		*last = '1'
	} else {
		*last = '0'
	}
	return string(s)
}

func signSHA1(body []byte) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write(body)
	return "sha1=" + hex.EncodeToString(mac.Sum(nil))
}

func rewrite(body []byte) []byte {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		panic(err) // the test has written it
	}
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	return out
}
