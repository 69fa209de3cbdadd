package attack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vivarium/server/github/githubtest/events"
	"vivarium/server/store"
)

// unsignedSize is nearly the largest body that a delivery may have, in bytes.
const unsignedSize = 24 << 20

// fastest is the shortest of some tries, since other programs on the machine can only add time.
func fastest(tries int, do func()) time.Duration {
	best := time.Hour
	for range tries {
		begin := time.Now()
		do()
		best = min(best, time.Since(begin))
	}
	return best
}

// TestUnsignedDeliveriesCostLittle posts large unsigned bodies of kinds that a JSON reader takes
// long to read.
func TestUnsignedDeliveriesCostLittle(t *testing.T) {
	r := newReceiver(t, store.Options{DataDir: t.TempDir()})
	for name, piece := range sorted(map[string]string{"empty-objects": `{},`, "numbers": `1,`, "short-texts": `"",`}) {
		attack(t, name, fmt.Sprintf("%d MiB of %s under a wrong signature", unsignedSize>>20,
			piece), func(t *testing.T, l *line) {
			body := []byte(`{"a":[` + strings.Repeat(piece, unsignedSize/len(piece)-100) +
				`0],"repository":{"full_name":"octo/hello","id":7}}`)
			header := events.Header("guess", "push", body)
			byToken := fastest(1, func() { readTokens(t, body) })
			l.control = fmt.Sprintf("read token by token it takes %s", byToken.Round(time.Millisecond))
			answered := fastest(3, func() {
				if code, text := r.post(t, header, body); code != http.StatusUnauthorized {
					t.Errorf("answered %d: %s", code, text)
				}
			})
			if answered > byToken/2 {
				t.Errorf("answered after %s, and read token by token it takes %s", answered, byToken)
			}
			l.outcome = fmt.Sprintf("401 after %s", answered.Round(time.Millisecond))
		})
	}
}

// readTokens reads a body token by token, as a search for duplicate members would.
func readTokens(t *testing.T, body []byte) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	var open []map[string]bool
	for {
		token, err := d.Token()
		switch {
		case err == io.EOF:
			return
		case err != nil:
			t.Fatal(err)
		case token == json.Delim('{'):
			open = append(open, map[string]bool{})
		case token == json.Delim('}'):
			open = open[:len(open)-1]
		}
	}
}

// TestWhoIsLetInIsNotTold asks a server, by deliveries under guessed secrets, which repositories it
// builds.
func TestWhoIsLetInIsNotTold(t *testing.T) {
	r := newRegistered(t)
	control := r.ownOpensOwn(t)
	big := func(repo string) []byte {
		return []byte(`{"repository":{"full_name":"` + repo + `","id":99},"a":"` + strings.Repeat("x", unsignedSize) +
			`"}`)
	}
	const nobodys = "nobody/nothing"
	post := func(t *testing.T, repo string, body []byte) string {
		t.Helper()
		code, text := r.post(t, events.Header("guess", "push", body), body)
		return fmt.Sprint(code, " ", strings.ReplaceAll(text, repo, "OWNER/NAME"))
	}
	for name, repo := range sorted(map[string]string{
		"a-repository": "school/group-b", "one-of-a-pattern": "course/lab-1", "by-the-shared-secret": "octo/hello",
		"with-a-changed-secret": "school/changed",
	}) {
		attack(t, name, "whether "+repo+
			" is let in, by the answer to a wrong signature and its time", func(t *testing.T, l *line) {
			l.control = control
			known, unknown := big(repo), big(nobodys)
			want := post(t, nobodys, unknown)
			if got := post(t, repo, known); got != want || !strings.HasPrefix(want, "401 ") {
				t.Errorf("answered %s, and of what is not let in %s", got, want)
			}
			its, others := time.Hour, time.Hour
			for range 11 { // alternating, so that both meet the same machine
				its = min(its, r.handles(t, known))
				others = min(others, r.handles(t, unknown))
			}
			if (its - others).Abs() > max(its, others)/4 {
				t.Errorf("answered after %s, and of what is not let in after %s", its, others)
			}
			l.outcome = fmt.Sprintf("one answer, after %s and %s", its.Round(time.Millisecond),
				others.Round(time.Millisecond))
		})
	}
}

// handles is the processor time that the server takes for a delivery under a guessed secret. An
// attacker who is alone on the machine would measure this.
func (r *receiver) handles(t *testing.T, body []byte) time.Duration {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhook", bytes.NewReader(body))
	req.Header = events.Header("guess", "push", body)
	w := noDeadline{httptest.NewRecorder()}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadTime(t)
	r.Config.Handler.ServeHTTP(w, req)
	took := threadTime(t) - before
	if w.Code != http.StatusUnauthorized {
		t.Fatalf("answered %d: %s", w.Code, w.Body)
	}
	return took
}

// threadTime is the processor time that this thread has used.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// noDeadline is a recorder that accepts a deadline, since the server sets one.
type noDeadline struct{ *httptest.ResponseRecorder }

func (noDeadline) SetReadDeadline(time.Time) error { return nil }
