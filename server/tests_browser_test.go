package server

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// picture stores a screenshot for people in the folder that VIVARIUM_PICTURES names, if there is one.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("VIVARIUM_PICTURES")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		t.Errorf("take a picture: %v", err)
	}
}

// allowScripts lets the pages run scripts, or not. The test's own questions are answered either way.
func allowScripts(t *testing.T, ctx context.Context, allowed bool) {
	t.Helper()
	params := emulation.SetScriptExecutionDisabledParams{Value: !allowed}
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, params); err != nil {
		t.Fatal(err)
	}
}

// TestFailingTestsStandFirst: three failures among 120 tests, their messages and places, are seen
// without scrolling, on a wide screen and on a phone, with a script and without one.
func TestFailingTestsStandFirst(t *testing.T) {
	ctx, visited := newBrowser(t)
	s := newSite(t)
	id := s.tested(120)
	// What of a text is above the lower edge of the screen, as its reader sees it.
	const above = `(text => {
		const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
		for (let n; n = walker.nextNode();) {
			if (!n.textContent.includes(text)) continue;
			const range = document.createRange();
			range.selectNodeContents(n);
			const box = range.getBoundingClientRect();
			if (box.height > 0 && box.top >= 0 && box.bottom <= innerHeight && box.right <= innerWidth) return true;
		}
		return false;
	})(%q)`
	for _, screen := range []struct{ width, height int64 }{{1280, 800}, {390, 844}} {
		for _, script := range []bool{true, false} {
			name := fmt.Sprintf("%d-script-%v", screen.width, script)
			allowScripts(t, ctx, script)
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(screen.width, screen.height),
				chromedp.Navigate(s.http.URL+buildPath(id))); err != nil {
				t.Fatal(err)
			}
			shows(t, ctx, `document.querySelector("#log").textContent.includes("test_00119")`)
			picture(t, ctx, name)
			for _, f := range failures {
				for _, text := range []string{f.ID, f.Reason, fmt.Sprintf("%s:%d", f.Path, f.Line)} {
					if !evaluate[bool](t, ctx, fmt.Sprintf(above, text)) {
						t.Errorf("%s: %q is not above the fold", name, text)
					}
				}
			}
			if evaluate[bool](t, ctx, fmt.Sprintf(above, "tests.test_many.Many.test_00119")) {
				t.Errorf("control: %s: the end of the log is said to be above the fold", name)
			}
			if wide := evaluate[int64](t, ctx, `document.documentElement.scrollWidth`); wide > screen.width {
				t.Errorf("%s: the page is %d wide", name, wide)
			}
			for i, f := range failures {
				goes := fmt.Sprintf(`(link => { location.href = link.href; return `+
					`document.querySelector(":target").textContent; })`+
					`(document.querySelectorAll(".failing .inlog")[%d])`, i)
				want := fmt.Sprintf("%s ... %s\n", f.ID, f.Outcome)
				if got := evaluate[string](t, ctx, goes); got != want {
					t.Errorf("%s: the link of %s goes to %q", name, f.ID, got)
				}
			}
		}
	}
	visited.check(t, s.http.URL)
}

// TestPageOfManyTestsIsSmall: a build of 20,000 tests has a page that is quick to load, and what fails
// in the middle of its log is found by following a link.
func TestPageOfManyTestsIsSmall(t *testing.T) {
	s := newSite(t)
	id := s.tested(20_000)
	page := s.get(buildPath(id), browser)
	if page.code != 200 || len(page.body) > 100_000 {
		t.Errorf("the page has %d bytes", len(page.body))
	}
	ctx, visited := newBrowser(t)
	allowScripts(t, ctx, false)
	if err := chromedp.Do(ctx, chromedp.Navigate(s.http.URL+buildPath(id))); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, `document.querySelectorAll(".failing .inlog").length === 3`)
	link := evaluate[string](t, ctx, `document.querySelectorAll(".failing .inlog")[1].href`)
	if err := chromedp.Do(ctx, chromedp.Navigate(link)); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, `document.querySelector(":target") !== null`)
	want := fmt.Sprintf("%s ... %s\n", failures[1].ID, failures[1].Outcome)
	if got := evaluate[string](t, ctx, `document.querySelector(":target").textContent`); got != want {
		t.Errorf("the link goes to %q, want %q", got, want)
	}
	if in := evaluate[bool](
		t, ctx,
		`(b => b.top >= 0 && b.bottom <= innerHeight)(document.querySelector(":target").getBoundingClientRect())`,
	); !in {
		t.Error("the line is not on the screen")
	}
	picture(t, ctx, "around-a-line")
	visited.check(t, s.http.URL)
	around := s.get(buildPath(id)+"?line=10001", browser)
	if around.code != 200 || len(around.body) > 100_000 {
		t.Errorf("the page around a line has %d bytes", len(around.body))
	}
	if a := s.get(buildPath(id)+"?line=x", browser); a.code != 400 {
		t.Errorf("of no line: %d", a.code)
	}
	if a := s.get(buildPath(id)+"?line=999999", browser); a.code != 200 {
		t.Errorf("of a line that is not there: %d", a.code)
	}
}
