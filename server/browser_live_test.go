package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"vivarium/pipeline"
	"vivarium/pipeline/limits"
)

// whatAPageSays is all text of a build's page except its log.
const whatAPageSays = `["h1", ".verdict", "#facts", "#steps"].map(e => ` +
	`document.querySelector(e).innerText.replace(/\s+/g, " ").trim()).join("\n")`

// TestPageThatSawItsBuildQueuedEndsWithAllItsFacts: it shows the same facts as a page that is
// loaded afterwards.
func TestPageThatSawItsBuildQueuedEndsWithAllItsFacts(t *testing.T) {
	ctx, visited := newBrowser(t)
	s := newSite(t)
	id := s.push("o/n", false)
	if err := chromedp.Do(ctx, chromedp.Navigate(s.http.URL+buildPath(id))); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, `document.querySelector("#state").textContent === "queued" && `+
		`!document.querySelector("#facts").textContent.includes("Started")`)
	sc := s.work()
	var limits limits.Limits
	limits.Timeout, limits.Memory, limits.Disk, limits.CPUs, limits.Pids, limits.OpenFiles, limits.Inodes =
		90*time.Second, 512<<20, 1<<30, 0.5, 64, 100, 7
	sc.act(func(ctx context.Context, rec pipeline.Recorder) (*pipeline.Outcome, error) {
		step := pipeline.Step{Name: pipeline.StepPlan, State: pipeline.StepPassed, StartedAt: time.Now(),
			EndedAt: time.Now(), Limits: limits}
		return nil, errors.Join(rec.StepStarted(ctx, step), rec.StepEnded(ctx, step))
	})
	shows(t, ctx, `document.querySelector("#facts").textContent.includes("Started")`) // while it runs
	sc.end(pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseTests, Summary: "1 of 3 tests failed",
		Image: "python-3.11"})
	s.ended(id)
	shows(t, ctx, `document.querySelector("#state").textContent === "failed" && `+
		`document.querySelector("#facts").textContent.includes("Ended")`)
	lived := evaluate[string](t, ctx, whatAPageSays)
	if err := chromedp.Do(ctx, chromedp.Navigate(s.http.URL+buildPath(id))); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, `document.readyState === "complete"`)
	if loaded := evaluate[string](t, ctx, whatAPageSays); lived != loaded {
		t.Errorf("the page that lived says\n%s\nand one that is loaded\n%s", lived, loaded)
	}
	visited.check(t, s.http.URL)
}

// restarts is an address that keeps while servers come and go: it passes requests on, or answers as
// a proxy does whose server is away.
type restarts struct {
	mu    sync.Mutex
	inner http.Handler
	away  bool
}

func (r *restarts) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	inner, away := r.inner, r.away
	r.mu.Unlock()
	if away {
		http.Error(w, "bad gateway", http.StatusBadGateway)
		return
	}
	inner.ServeHTTP(w, q)
}

func (r *restarts) set(inner http.Handler, away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inner, r.away = inner, away
}

// TestPageComesBackAfterAServersRestart: the proxy before the server answers 502 in the meantime,
// after which no browser reconnects by itself. No line is lost and none comes twice.
func TestPageComesBackAfterAServersRestart(t *testing.T) {
	ctx, _ := newBrowser(t) // it reports the 502
	s := newSite(t)
	sc := s.work()
	id := s.push("o/n", false)
	front := &restarts{inner: s.Handler()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hs := &http.Server{Handler: front}
	go func() { _ = hs.Serve(l) }()
	defer hs.Close()
	sc.start(pipeline.StepTest)
	sc.write(pipeline.StepTest, pipeline.Stdout, "before\n")
	if err := chromedp.Do(ctx, chromedp.Navigate("http://"+l.Addr().String()+buildPath(id))); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, `document.querySelector("#log").textContent.includes("before")`)
	sc.write(pipeline.StepTest, pipeline.Stdout, "live\n")
	shows(t, ctx, `document.querySelector("#log").textContent.includes("live")`)

	next, err := New(s.config, s.store) // the server after the restart
	if err != nil {
		t.Fatal(err)
	}
	front.set(next.Handler(), true)
	s.drain()
	shows(t, ctx, `document.querySelector("#live").textContent.includes("being stopped") && `+
		`!document.querySelector("#live").hidden`)
	sc.write(pipeline.StepTest, pipeline.Stdout, "meanwhile\n")
	front.set(next.Handler(), false)
	sc.write(pipeline.StepTest, pipeline.Stdout, "after\n")
	sc.end(pipeline.Outcome{State: pipeline.Passed, Summary: "3 tests passed"})
	shows(t, ctx, `document.querySelector("#state").textContent === "passed"`)
	shows(t, ctx, `document.querySelector("#log pre").textContent === "before\nlive\nmeanwhile\nafter\n"`)
}
