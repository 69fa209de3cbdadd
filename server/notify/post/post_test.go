package post

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"vivarium/server/github/githubtest/events"
	"vivarium/server/notify"
)

var message = notify.Message{
	Colour: notify.Red, Repo: "octo/hello", Branch: "main", SHA: strings.Repeat("a", 40), Build: 7,
	URL: "https://ci.example.org/logs/7", State: "failed", Cause: "tests", Summary: "1 of 3 tests failed",
}

// service takes messages and answers as it is told.
type service struct {
	*httptest.Server
	mu     sync.Mutex
	got    []*http.Request
	bodies []string
	code   int
	header http.Header
}

func newService(t *testing.T, code int) *service {
	s := &service{code: code, header: http.Header{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got, s.bodies = append(s.got, r), append(s.bodies, string(body))
		for name := range s.header {
			w.Header().Set(name, s.header.Get(name))
		}
		w.WriteHeader(s.code)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestAWebhookIsSignedAsGitHubSignsItsOwn(t *testing.T) {
	s := newService(t, http.StatusOK)
	p := New("a secret", Mail{}, "test")
	if err := p.Send(t.Context(), notify.Target{Kind: notify.Webhook, URL: s.URL + "/in"}, message, "key-1"); err != nil {
		t.Fatal(err)
	}
	r := s.got[0]
	if r.Header.Get("X-Hub-Signature-256") != events.Sign("a secret", []byte(s.bodies[0])) ||
		r.Header.Get("X-Vivarium-Delivery") != "key-1" || r.Header.Get("X-Vivarium-Event") != "branch" ||
		r.URL.Path != "/in" || !strings.Contains(s.bodies[0], `"turned": "red"`) {
		t.Errorf("got %v\n%s", r.Header, s.bodies[0])
	}
	p.Secret = ""
	if err := p.Send(t.Context(), notify.Target{Kind: notify.Slack, URL: s.URL}, message, "key-2"); err != nil ||
		s.got[1].Header.Get("X-Hub-Signature-256") != "" {
		t.Errorf("unsigned: %v, %v", err, s.got[1].Header)
	}
}

func TestMatrixIsToldOnceForEachKey(t *testing.T) {
	s := newService(t, http.StatusOK)
	to := notify.Target{Kind: notify.Matrix, URL: s.URL, Room: "!a/b:example.org", Token: "syt_tok"}
	if err := New("", Mail{}, "test").Send(t.Context(), to, message, "n-7"); err != nil {
		t.Fatal(err)
	}
	r := s.got[0]
	if r.Method != http.MethodPut || r.Header.Get("Authorization") != "Bearer syt_tok" ||
		r.URL.EscapedPath() != "/_matrix/client/v3/rooms/%21a%2Fb:example.org/send/m.room.message/n-7" {
		t.Errorf("%s %s, %v", r.Method, r.URL.EscapedPath(), r.Header)
	}
}

func TestWhatAnAnswerMeans(t *testing.T) {
	other := newService(t, http.StatusOK)
	for code, refused := range map[int]bool{400: true, 401: true, 404: true, 410: true, 302: true, 429: false, 500: false,
		503: false} {
		s := newService(t, code)
		s.header.Set("Retry-After", "30")
		s.header.Set("Location", other.URL)
		to := notify.Target{Kind: notify.Slack, URL: s.URL + "/secret"}
		err := New("", Mail{}, "test").Send(t.Context(), to, message, "k")
		_, final := errors.AsType[*notify.RefusedError](err)
		later, again := errors.AsType[*notify.LaterError](err)
		if final != refused || again == refused || again && time.Until(later.At) < 20*time.Second {
			t.Errorf("%d: %v", code, err)
		}
	}
	if len(other.got) != 0 {
		t.Error("an answer led elsewhere")
	}
}

// TestNoAddressStandsInAnError: it may be all that it takes to write there.
func TestNoAddressStandsInAnError(t *testing.T) {
	s := newService(t, http.StatusOK)
	s.Close()
	to := notify.Target{Kind: notify.Slack, URL: s.URL + "/secret"}
	err := New("", Mail{}, "test").Send(t.Context(), to, message, "k")
	if _, again := errors.AsType[*notify.LaterError](err); !again || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// mailbox is a server that takes e-mails without TLS, and answers RCPT with a code.
func mailbox(t *testing.T, rcpt int) (port int, got func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var text strings.Builder
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		fmt.Fprint(c, "220 mailbox ESMTP\r\n")
		in, data := bufio.NewScanner(c), false
		for in.Scan() {
			line := in.Text()
			mu.Lock()
			text.WriteString(line + "\n")
			mu.Unlock()
			switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); {
			case data && line != ".":
			case data:
				data = false
				fmt.Fprint(c, "250 taken\r\n")
			case verb == "RCPT":
				fmt.Fprintf(c, "%d well\r\n", rcpt)
			case verb == "DATA":
				data = true
				fmt.Fprint(c, "354 go on\r\n")
			case verb == "QUIT":
				fmt.Fprint(c, "221 bye\r\n")
				return
			default:
				fmt.Fprint(c, "250 mailbox\r\n")
			}
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().(*net.TCPAddr).Port, func() string {
		mu.Lock()
		defer mu.Unlock()
		return text.String()
	}
}

func TestAnEMailSaysItAll(t *testing.T) {
	port, got := mailbox(t, 250)
	m, err := ParseMail(fmt.Sprintf("smtp+plain://127.0.0.1:%d?from=ci@example.org", port))
	if err != nil {
		t.Fatal(err)
	}
	to := notify.Target{Kind: notify.Email, Address: "team@example.org"}
	if err := New("", m, "test").Send(t.Context(), to, message, "n-7"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"MAIL FROM:<ci@example.org>", "RCPT TO:<team@example.org>", "Subject: octo/hello: main is red",
		"1 of 3 tests failed", "https://ci.example.org/logs/7", "Auto-Submitted: auto-generated", "Message-ID: <n-7@",
	} {
		if !strings.Contains(got(), want) {
			t.Errorf("it lacks %q:\n%s", want, got())
		}
	}
}

func TestAMailServersRefusalIsForGoodOrNot(t *testing.T) {
	for rcpt, refused := range map[int]bool{550: true, 450: false} {
		port, _ := mailbox(t, rcpt)
		m := Mail{Host: "127.0.0.1", Port: port, Plain: true, From: "ci@example.org"}
		err := New("", m, "test").Send(t.Context(), notify.Target{Kind: notify.Email, Address: "a@example.org"}, message, "k")
		if _, final := errors.AsType[*notify.RefusedError](err); err == nil || final != refused {
			t.Errorf("%d: %v", rcpt, err)
		}
	}
}

func TestServersForEMailsAreReadStrictly(t *testing.T) {
	for text, want := range map[string]Mail{
		"smtp://mona:pa%3Ass@mail.example.org?from=ci@example.org": {
			Host: "mail.example.org", Port: 587, User: "mona", Password: "pa:ss", From: "ci@example.org",
		},
		"smtps://mona:x@mail.example.org:4650?from=ci@example.org": {
			Host: "mail.example.org", Port: 4650, TLS: true, User: "mona", Password: "x", From: "ci@example.org",
		},
		"smtp+plain://localhost?from=ci@example.org": {Host: "localhost", Port: 25, Plain: true, From: "ci@example.org"},
	} {
		if m, err := ParseMail(text); err != nil || m != want {
			t.Errorf("%s: %+v, %v", text, m, err)
		}
	}
	for _, bad := range []string{
		"", "mail.example.org", "smtp://mail.example.org", "http://mail.example.org?from=a@b.example",
		"smtp+plain://mona:hunter2@mail.example.org?from=a@b.example", "smtp://mail.example.org?from=x",
	} {
		if m, err := ParseMail(bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %+v, %v", bad, m, err)
		}
	}
}
