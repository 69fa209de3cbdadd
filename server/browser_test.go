package server

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"vivarium/pipeline"
	"vivarium/sandbox/eventually"
)

// newBrowser starts a headless browser and collects its errors and the addresses that it requests.
func newBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) (context.Context, *visits) {
	t.Helper()
	path := findBrowser()
	if path == "" {
		if os.Getenv("VIVARIUM_REQUIRE_BROWSER") == "1" {
			t.Fatal("there is no chromium, and VIVARIUM_REQUIRE_BROWSER=1")
		}
		t.Skip("there is no chromium to look at the pages with")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.WSURLReadTimeout(time.Minute), chromedp.WindowSize(1000, 700))
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(options, more...)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("close the browser: %v", err)
		}
		cancel()
	})
	v := &visits{}
	if err := chromedp.Listen(ctx, v.note); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx, v
}

func findBrowser() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

type visits struct {
	mu                    sync.Mutex
	addresses, exceptions []string
}

func (v *visits) note(ev any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		v.addresses = append(v.addresses, ev.Request.URL)
	case *log.EventEntryAdded: // also what the content policy refused
		if ev.Entry.Level == log.EntryLevelError {
			v.exceptions = append(v.exceptions, ev.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		v.exceptions = append(v.exceptions, fmt.Sprintf("%+v", ev.ExceptionDetails))
	}
}

func (v *visits) check(t *testing.T, origin string) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, a := range v.addresses {
		if !strings.HasPrefix(a, origin+"/") && !strings.HasPrefix(a, "data:") &&
			!strings.HasPrefix(a, "blob:"+origin) {
			t.Errorf("the page asked for %s", a)
		}
	}
	if len(v.addresses) == 0 {
		t.Error("no request was seen: the check is blind")
	}
	for _, e := range v.exceptions {
		t.Errorf("script error: %s", e)
	}
}

// ask runs an action in the page. Right after a navigation, the browser may run it in the page
// before, which is gone: then the action has not run, and ask tries again.
func ask[T any](ctx context.Context, a chromedp.Action[T]) (T, error) {
	for {
		v, err := chromedp.Run(ctx, a)
		if err == nil || !strings.Contains(err.Error(), "Cannot find context with specified id") {
			return v, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// shows waits until an expression holds in the page.
func shows(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	if _, err := ask(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(40*time.Second))); err != nil {
		body, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
		t.Fatalf("the page does not come to %s: %v\n%s", expression, err, body)
	}
}

func evaluate[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := ask(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("evaluate %s: %v", expression, err)
	}
	return v
}

func TestBrowserSeesTheLogGrowWithoutReload(t *testing.T) {
	ctx, visited := newBrowser(t)
	s := newSite(t)
	sc := s.work()
	id := s.push("o/n", false)
	sc.start(pipeline.StepClone)
	sc.write(pipeline.StepClone, pipeline.Stdout, "first line\n")
	if err := chromedp.Do(ctx, chromedp.Navigate(s.http.URL+buildPath(id))); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, `document.querySelector("#log").textContent.includes("first line") && `+
		`document.querySelector("#state").textContent === "running"`)
	evaluate[string](t, ctx, `window.here = "the same page"`)
	sc.write(pipeline.StepClone, pipeline.Stderr, "second line\n")
	shows(t, ctx, `document.querySelector('#log .stderr')?.textContent.includes("second line")`)
	sc.stop(pipeline.StepClone, pipeline.StepPassed, "")
	sc.start(pipeline.StepTest)
	shows(t, ctx, `[...document.querySelectorAll("#steps li")]`+
		`.map(e => e.innerText.split(/\s+/).slice(0, 2).join(" ")).join() === "clone passed,test running"`)

	sc.write(pipeline.StepTest, pipeline.Stdout,
		"<script>window.owned = 1</script><img src=x onerror='window.owned = 1'>\n\x1b[31mred\x1b[0m \u202edrow\n")
	shows(t, ctx, `document.querySelector('#log section[data-step=test]')?.textContent.includes("</script>") &&
		document.querySelector("#log").textContent.includes("red ⟨U+202E⟩drow")`)

	sc.end(pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseTests, Summary: "1 of 3 tests failed"})
	shows(t, ctx, `document.querySelector(".verdict").innerText.replace(/\s+/g, " ") `+
		`=== "failed tests 1 of 3 tests failed"`)
	if !evaluate[bool](t, ctx, `window.here === "the same page"`) {
		t.Error("the page was loaded again")
	}
	if evaluate[bool](t, ctx, `window.owned === 1 || document.querySelector("#log script, #log img") !== null`) {
		t.Error("markup in the log came alive")
	}
	// The server renders an ended build's page by the same rules.
	if err := chromedp.Do(ctx, chromedp.Navigate(s.http.URL+buildPath(id))); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, `document.querySelector("#log").textContent.includes("red ⟨U+202E⟩drow") &&
		!document.querySelector("#log script, #log img") && window.owned === undefined`)
	visited.check(t, s.http.URL)
}

func TestBrowserStaysUsableWithALargeLog(t *testing.T) {
	ctx, visited := newBrowser(t)
	s := newSite(t)
	sc := s.work()
	id := s.push("o/n", false)
	sc.start(pipeline.StepTest)
	line := strings.Repeat("x", 99) + "\n"
	for range 8 {
		sc.write(pipeline.StepTest, pipeline.Stdout, strings.Repeat(line, 1<<20/len(line)))
	}
	sc.write(pipeline.StepTest, pipeline.Stdout, "the last line\n")
	sc.end(pipeline.Outcome{State: pipeline.Passed})
	s.ended(id)
	if err := chromedp.Do(ctx, chromedp.Navigate(s.http.URL+buildPath(id))); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, `document.querySelector("#log").textContent.endsWith("the last line\n")`)
	size := evaluate[int](t, ctx, `document.querySelector("#log").textContent.length`)
	told := evaluate[bool](t, ctx, `!document.querySelector("#dropped").hidden`)
	if size > 2<<20 || !told {
		t.Errorf("the page holds %d characters of an 8 MiB log, and says so: %v", size, told)
	}
	visited.check(t, s.http.URL)
}

func TestBrowserReadsTheDescriptionWithoutOtherHosts(t *testing.T) {
	ctx, visited := newBrowser(t)
	s := newSite(t)
	for path, ready := range map[string]string{
		"/docs":  `document.querySelectorAll("#docs .opblock").length >= 11`,
		"/redoc": `document.querySelector("#docs h1")?.textContent.includes("Vivarium")`,
	} {
		if err := chromedp.Do(ctx, chromedp.Navigate(s.http.URL+path)); err != nil {
			t.Fatal(err)
		}
		shows(t, ctx, ready)
		if path == "/docs" {
			evaluate[string](t, ctx, `document.querySelector("#docs .opblock-summary-control").click(), "clicked"`)
			shows(t, ctx, `document.querySelector("#docs .opblock.is-open .opblock-body") !== null`)
		}
	}
	visited.check(t, s.http.URL)
}

// TestBrowserSignsInWithoutHTTPS: a browser sends Sec-Fetch-Site only to a host that it trusts, by
// HTTPS or as its own machine. Every other host must recognize its own form by Origin.
func TestBrowserSignsInWithoutHTTPS(t *testing.T) {
	ctx, visited := newBrowser(t, chromedp.Flag("host-resolver-rules", "MAP vivarium.example 127.0.0.1"))
	g := newGroups(t)
	origin := strings.Replace(g.http.URL, "127.0.0.1", "vivarium.example", 1)
	if err := chromedp.Do(ctx, chromedp.Navigate(origin+"/sign-in")); err != nil {
		t.Fatal(err)
	}
	evaluate[string](t, ctx, `document.querySelector("#token").value = "`+g.tokenA+
		`", document.querySelector("main form button").click(), "sent"`)
	lands(t, ctx, "Signed in: o/group-a")
	evaluate[string](t, ctx, `document.querySelector("header form button").click(), "sent"`)
	lands(t, ctx, "Sign in")
	visited.check(t, origin)
}

// lands waits until a submitted form has led to a page with this text. While the page changes, the
// browser cannot be asked.
func lands(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	var body string
	if !eventually.Within(40*time.Second, func() bool {
		var err error
		body, err = chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
		return err == nil && strings.Contains(body, text)
	}) {
		t.Fatalf("the form does not lead to %q but to\n%s", text, body)
	}
}
