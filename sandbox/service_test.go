package sandbox_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"vivarium/sandbox"
)

// get is a program that prints a URL's status and body, or that nothing answers.
func get(url string) sandbox.Command {
	return python(fmt.Sprintf(`
import urllib.request
try:
    with urllib.request.urlopen(%q) as r: print(r.status, r.read().decode())
except urllib.error.HTTPError as e: print(e.code)
except OSError as e: print("nothing")`, url))
}

func TestServiceAnswersOnlyWhileOffered(t *testing.T) {
	s := start(t, nil)
	hello, err := s.Offer(t.Context(), "hello", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello %s", r.URL.Path)
	}))
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.Offer(t.Context(), "other", http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRun(t, s, get(hello.URL+"/x")); got != "200 hello /x\n" {
		t.Errorf("the service answers %q", got)
	}
	if got := mustRun(t, s, get(other.URL)); got != "404\n" {
		t.Errorf("the other service answers %q", got)
	}
	for range 2 {
		if err := hello.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if got := mustRun(t, s, get(hello.URL+"/x")); got != "nothing\n" {
		t.Errorf("the closed service answers %q", got)
	}
	if got := mustRun(t, s, get(other.URL)); got != "404\n" {
		t.Errorf("the other service answers %q after the first was closed", got)
	}
}

func TestServiceCloseCutsConnectionsAndEndsRequests(t *testing.T) {
	s := start(t, nil)
	began, ended := make(chan struct{}), false
	v, err := s.Offer(t.Context(), "stuck", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		ended = true
	}))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-began
		if err := v.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if !ended {
			t.Error("a request is still being answered after Close")
		}
	}()
	if got := mustRun(t, s, get(v.URL)); got != "nothing\n" {
		t.Errorf("got %q, want the connection cut", got)
	}
}

func TestServiceCarriesLargeBodies(t *testing.T) {
	s := start(t, nil)
	const size = 64 << 20
	v, err := s.Offer(t.Context(), "echo", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || n != size {
			http.Error(w, fmt.Sprint(n, err), http.StatusBadRequest)
			return
		}
		_, _ = io.CopyN(w, zeros{}, size)
	}))
	if err != nil {
		t.Fatal(err)
	}
	got := mustRun(t, s, python(fmt.Sprintf(`
import urllib.request
with urllib.request.urlopen(%q, data=bytes(%d)) as r: print(len(r.read()))`, v.URL, size)))
	if got != fmt.Sprintln(size) {
		t.Errorf("got %q, want %d", got, size)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestCloseOfTheSandboxEndsItsServices(t *testing.T) {
	s := start(t, nil)
	ended := make(chan struct{})
	began := make(chan struct{})
	v, err := s.Offer(t.Context(), "stuck", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		close(ended)
	}))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-began
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	if _, err := s.Run(t.Context(), get(v.URL), func(sandbox.Stream, []byte) error { return nil }); !errors.Is(err,
		sandbox.ErrClosed) {
		t.Errorf("the command that used it: %v, want ErrClosed", err)
	}
	<-ended
	if err := v.Close(); err != nil {
		t.Errorf("close of the service after its sandbox: %v", err)
	}
	if _, err := s.Offer(t.Context(), "late", http.NotFoundHandler()); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("offer after close: %v, want ErrClosed", err)
	}
}

func TestAnswerEndsWhenItsClientLeaves(t *testing.T) {
	s := start(t, nil)
	ended := make(chan error, 1)
	service, err := s.Offer(t.Context(), "endless", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		piece := make([]byte, 64<<10)
		for {
			if _, err := w.Write(piece); err != nil {
				ended <- err
				return
			}
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	mustRun(t, s, python(fmt.Sprintf(`
import urllib.request
answer = urllib.request.urlopen(%q)
assert answer.read(1)
answer.close()`, service.URL)))
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("it is still being written")
	}
}
