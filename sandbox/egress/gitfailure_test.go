package egress

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

func TestAnErrorOfTheGitHostThatNeverEndsIsCutOff(t *testing.T) {
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "out of order")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer host.Close()
	upstream, err := url.Parse(host.URL + "/x.git")
	if err != nil {
		t.Fatal(err)
	}
	g := NewGit(GitConfig{Upstream: upstream})
	g.stall = 100 * time.Millisecond
	client := http.Client{Timeout: 30 * time.Second} // the git host's own is 60 s
	res, err := client.Get(serve(t, g) + GitPath + advertisePath)
	if err != nil {
		t.Fatalf("no answer long after the host had fallen silent: %v", err)
	}
	defer res.Body.Close()
	client.CloseIdleConnections()
	if f := g.Failure(); res.StatusCode < 500 || f == nil || f.StatusCode != http.StatusInternalServerError {
		t.Errorf("answered %d, failure %+v; want the host's 500", res.StatusCode, f)
	}
}
