package attack

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// controlPath is where the control's requests go, so that they can be told from the others.
const controlPath = "/control"

// browser is a real browser, with what shows that something of a build ran in it.
type browser struct {
	ctx     context.Context
	oracle  string       // an address that only hostile output names
	hostile atomic.Int64 // requests that arrived there from the product's pages
	control atomic.Int64 // and from the unsafe page
	dialogs atomic.Int64
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	path := findBrowser(t)
	b := &browser{}
	oracle := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, controlPath) {
			b.control.Add(1)
		} else {
			b.hostile.Add(1)
		}
	}))
	t.Cleanup(oracle.Close)
	b.oracle = oracle.URL
	ctx, cancel := context.WithTimeout(context.Background(), patience(t, 4*time.Minute))
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	b.ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(b.ctx); err != nil {
			t.Errorf("close the browser: %v", err)
		}
		cancel()
	})
	if err := chromedp.Listen(b.ctx, func(ev any) {
		if _, ok := ev.(*page.EventJavascriptDialogOpening); ok {
			b.dialogs.Add(1)
		}
	}); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return b
}

// findBrowser gives the browser's path. Without a browser the test is skipped, or fails where
// VIVARIUM_REQUIRE_BROWSER is 1, as in CI and in make test, which refuses skips too: only a browser
// can show what a page does to one.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("VIVARIUM_REQUIRE_BROWSER") != "1" {
		t.Skip("there is no chromium to look at the pages with")
	}
	t.Fatal("there is no chromium, and VIVARIUM_REQUIRE_BROWSER=1")
	return ""
}

func (b *browser) open(t *testing.T, url string) {
	t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate(url)); err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
}

// ask runs an action in the page. Right after a page was replaced, the action may be sent to the
// old page, which the browser no longer knows. The action has not run then, so ask tries again.
func ask[T any](b *browser, a chromedp.Action[T]) (T, error) {
	for {
		v, err := chromedp.Run(b.ctx, a)
		if err == nil || !strings.Contains(err.Error(), "Cannot find context with specified id") {
			return v, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// shows waits until an expression holds in the page.
func (b *browser) shows(t *testing.T, expression string) {
	t.Helper()
	if _, err := ask(b,
		chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience(t, 40*time.Second)))); err != nil {
		t.Fatalf("the page does not come to %s: %v\n%.3000s", expression, err,
			value[string](t, b, "document.body.innerText"))
	}
}

func value[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	v, err := ask(b, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("evaluate %s: %v", expression, err)
	}
	return v
}

// life is what the hostile output has done in the open page.
type life struct {
	Scripts  string // the names of the payloads that ran
	Elements int    // that the output has made
	Links    int    // to javascript:
	Fetched  int64  // requests that it caused, in all pages so far
	Dialogs  int64
}

func (b *browser) life(t *testing.T) life {
	t.Helper()
	return life{
		Scripts:  value[string](t, b, `String(window.owned || "")`),
		Elements: value[int](t, b, `document.querySelectorAll("[data-attack]").length`),
		Links:    value[int](t, b, `document.querySelectorAll('a[href^="javascript:" i]').length`),
		Fetched:  b.hostile.Load(),
		Dialogs:  b.dialogs.Load(),
	}
}
