package server

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"vivarium/pipeline"
)

func TestPagesFitANarrowScreen(t *testing.T) {
	ctx, visited := newBrowser(t)
	s := newSite(t)
	sc := s.work()
	id := s.push("o/"+strings.Repeat("n", 98), false)
	sc.start(pipeline.StepTest)
	sc.write(pipeline.StepTest, pipeline.Stdout, strings.Repeat("x", 3000)+"\n"+strings.Repeat("a word ", 300)+"\n")
	sc.stop(pipeline.StepTest, pipeline.StepFailed, pipeline.CauseTests)
	sc.end(pipeline.Outcome{State: pipeline.Failed, Cause: pipeline.CauseTests, Summary: strings.Repeat("summary", 40)})
	s.ended(id)

	// Elements that are wider than the screen, or than the box that clips them, visible or not.
	const wide = `document.querySelectorAll("#log pre").forEach(e => e.style.contentVisibility = "visible"),
		[document.documentElement, ...document.querySelectorAll("main, main *")]` +
		`.filter(e => getComputedStyle(e).display !== "inline" &&
			e.tagName !== "THEAD" && e.scrollWidth > Math.min(400, e.clientWidth + 1))` +
		`.map(e => e.tagName + "." + e.className).join(" ")`
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(400, 800, chromedp.EmulateMobile)); err != nil {
		t.Fatal(err)
	}
	for path, ready := range map[string]string{
		"/logs":       `document.querySelectorAll(".builds tbody tr").length === 1`,
		buildPath(id): `document.querySelector("#log").textContent.includes("a word")`,
		"/verdicts":   `document.querySelectorAll(".builds tbody tr").length === 1`,
		"/sign-in":    `document.querySelector("#token") !== null`,
	} {
		if err := chromedp.Do(ctx, chromedp.Navigate(s.http.URL+path)); err != nil {
			t.Fatal(err)
		}
		shows(t, ctx, ready)
		if got := evaluate[string](t, ctx, wide); got != "" {
			t.Errorf("%s: %s is wider than a screen of 400", path, got)
		}
	}
	evaluate[string](t, ctx, `document.querySelector("main").append(Object.assign(document.createElement("pre"), `+
		`{textContent: "x".repeat(999)})), ""`)
	if got := evaluate[string](t, ctx, wide); got == "" {
		t.Error("what does not fit is not noticed")
	}
	visited.check(t, s.http.URL)
}
