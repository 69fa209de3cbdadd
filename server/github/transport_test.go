package github

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// TestALongerWaitIsNotCutShortByAnotherAnswer: two requests are on their way, and the answer to the
// first comes last.
func TestALongerWaitIsNotCutShortByAnotherAnswer(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "1800")
		if r.URL.Path == "/first" {
			close(arrived)
			<-answer
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer s.Close()
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	tr := newTransport(base, nil)
	defer tr.base.CloseIdleConnections()
	client := &http.Client{Transport: tr}
	get := func(path string) {
		if resp, err := client.Get(s.URL + path); err == nil {
			resp.Body.Close()
			t.Errorf("%s is answered %s", path, resp.Status)
		}
	}
	first := make(chan struct{})
	go func() { defer close(first); get("/first") }()
	<-arrived
	get("/second")
	close(answer)
	<-first
	if tr.wait(time.Now().Add(10*time.Minute)) == nil {
		t.Error("GitHub would be asked again before the half hour that it named")
	}
}
