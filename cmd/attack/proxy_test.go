package attack

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/images/imagestest"
	"vivarium/sandbox"
	"vivarium/sandbox/egress/egresstest"
)

// trial is one request that a service must refuse, or must pass on as nothing but what it offers.
type trial struct {
	name, tried string
	request     string
	passes      int    // how many requests may arrive beyond the service
	goal        string // for a request that must not pass: the same request in the open, where nothing is in the way
}

// sending is one line of requests.json.
type sending struct {
	Name    string `json:"name"`
	Request []byte `json:"request,omitempty"`
	Project string `json:"project,omitempty"`
}

// between puts an offered request before and after every trial. Its arrival shows that the way is
// open at that moment, and separates what arrives of one trial from what arrives of the next.
func between(trials []trial, mark func(i int) string) map[string]string {
	var all []sending
	for i, tr := range trials {
		all = append(all, sending{Name: fmt.Sprint("mark ", i), Request: []byte(mark(i))},
			sending{Name: tr.name, Request: []byte(tr.request)})
	}
	return sendings(append(all, sending{Name: "mark at the end", Request: []byte(mark(len(trials)))}))
}

func sendings(all []sending) map[string]string {
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // texts can always be encoded
	}
	return map[string]string{"requests.json": string(text)}
}

// arrivals are the logged requests after each mark and before the next, without the marks.
func arrivals(log []egresstest.Request, isMark func(egresstest.Request) bool) [][]egresstest.Request {
	var parts [][]egresstest.Request
	for _, r := range log {
		switch {
		case isMark(r):
			parts = append(parts, nil)
		case len(parts) > 0:
			parts[len(parts)-1] = append(parts[len(parts)-1], r)
		}
	}
	return parts
}

// judge fills the report's line of one trial from what the sender was told and from what arrived.
func (tr trial) judge(t *testing.T, l *line, told result, arrived []egresstest.Request,
	offered func(egresstest.Request) string) {
	t.Helper()
	for _, r := range arrived {
		if why := offered(r); why != "" {
			t.Errorf("%s %s arrived at %s with %v: %s", r.Method, r.Path, r.Host, r.Header, why)
		}
	}
	if len(arrived) != tr.passes {
		t.Errorf("%d requests arrived, want %d; the sender was told %+v: %+v", len(arrived), tr.passes, told, arrived)
	}
	if tr.passes > 0 {
		l.control = "the part that is offered arrived"
		l.outcome = fmt.Sprintf("nothing but that; the sender was told %s", told.detail)
		return
	}
	if tr.goal == "" {
		l.control = "requests before and after it arrived"
	}
	for status := range strings.SplitSeq(told.detail, ", ") {
		if told.outcome == "worked" && strings.HasPrefix(status, "2") {
			t.Errorf("the sender was told %s", told.detail)
		}
	}
	l.outcome = fmt.Sprintf("0 arrived; the sender was told: %s", told.detail)
}

// sorted goes through a table by its names, so that the report's order is the same in every run.
func sorted[V any](table map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, name := range slices.Sorted(maps.Keys(table)) {
			if !yield(name, table[name]) {
				return
			}
		}
	}
}

// inTheClear sends a request as it is written and gives the answer's status.
func inTheClear(t *testing.T, address, request string) int {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience(t, 10*time.Second))); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// request writes a request by hand. lines are further headers, each with its line end.
func request(method, target, lines string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: vivarium\r\nConnection: close\r\n" + lines + "\r\n"
}

// onlyHeaders names a header of an arrived request that is not the product's own.
func onlyHeaders(h http.Header, names ...string) string {
	for name, values := range h {
		if !slices.Contains(names, name) {
			return "a header that the product does not send: " + name
		}
		if strings.Contains(strings.Join(values, " "), "evil") {
			return "a header that the client wrote: " + name
		}
	}
	return ""
}

// box starts a sandbox with an attack program in its workspace.
func (w *world) box(t *testing.T, name string, data map[string]string) *sandbox.Sandbox {
	t.Helper()
	q := w.request(t, nil)
	s, err := w.runner.Engine.Start(t.Context(), sandbox.Spec{
		Image: imagestest.Runner(t), Instance: w.runner.Instance,
		Runtime: q.Settings.Runtime, Limits: q.Settings.Limits.Limits,
		Deadline: time.Now().Add(q.Settings.Limits.Timeout),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	files := map[string]string{"attack_program.py": program(t, name), "probe.py": program(t, "probe.py")}
	for path, text := range data {
		files[path] = text
	}
	if err := s.PutArchive(t.Context(), sandbox.Workspace, tarOf(t, files)); err != nil {
		t.Fatal(err)
	}
	return s
}

// through offers a handler to a sandbox and runs the attack program against it.
func through(t *testing.T, s *sandbox.Sandbox, service string, h http.Handler) map[string]result {
	t.Helper()
	v, err := s.Offer(t.Context(), service, h)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	var said bytes.Buffer
	_, err = s.Run(t.Context(), sandbox.Command{
		Argv: []string{"python3", "attack_program.py"}, Env: []string{"SERVICE_URL=" + v.URL},
	}, func(_ sandbox.Stream, p []byte) error { said.Write(p); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return results(t, said.String())
}
