package server

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/labstack/echo/v4"

	"vivarium/pipeline"
	"vivarium/server/store"
)

const testBase = "/ci/vivarium"

// below puts the site below testBase.
func below(c *Config) { c.PublicURL = "https://ci.example" + testBase + "/" }

// link finds where a page leads, what it loads, and what its script requests.
var link = regexp.MustCompile(`\s(href|src|action|formaction|data-events|data-description)="([^"]*)"`)

func TestEveryLinkOfEveryPageStandsBelowTheBase(t *testing.T) {
	s := newSite(t, below)
	id := s.push("o/n", false)
	for range pageSize {
		s.push("o/n", false)
	}
	kinds := map[string]int{}
	paths := []string{"/logs?before=2", "/logs?before=1", "/logs/999", "/nothing"}
	for _, r := range s.routes() {
		if path := strings.ReplaceAll(r.path, "{id}", strconv.FormatInt(id, 10)); r.method == http.MethodGet &&
			!strings.HasSuffix(path, "/events") {
			paths = append(paths, path)
		}
	}
	signedIn := s.signedIn(s.token("o/*"))
	for i := range 2 * len(paths) {
		path, who := paths[i/2], browser
		if i%2 == 1 {
			who = func(r *http.Request) { browser(r); signedIn(r) }
		}
		a := s.get(path, who)
		for _, found := range link.FindAllStringSubmatch(a.body, -1) {
			kind, to := found[1], found[2]
			if strings.HasPrefix(to, "#") || strings.HasPrefix(to, "https://git.example/") {
				continue
			}
			kinds[kind]++
			if !strings.HasPrefix(to, testBase+"/") {
				t.Errorf("%s has %s=%q", path, kind, to)
				continue
			}
			// With base, and without it, as a proxy that removes base passes it on.
			for _, asked := range []string{to, strings.TrimPrefix(to, testBase)} {
				if kind != "data-events" && kind != "action" && s.get(asked).code != 200 {
					t.Errorf("%s has %s=%q, and %s is answered %d", path, kind, to, asked, s.get(asked).code)
				}
			}
		}
	}
	for _, kind := range []string{"href", "src", "action", "data-events", "data-description"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s was seen: the pattern is wrong", kind)
		}
	}
}

func TestProgramsAreToldAddressesBelowTheBase(t *testing.T) {
	s := newSite(t, below)
	for range pageSize + 1 {
		s.push("o/n", false)
	}
	if got, want := s.get("/logs").header.Get("Link"), "<"+testBase+`/logs?before=2>; rel="next"`; got != want {
		t.Errorf("Link is %s, want %s", got, want)
	}
	var spec struct{ Servers []struct{ URL string } }
	if err := json.Unmarshal([]byte(s.get("/openapi.json").body), &spec); err != nil {
		t.Fatal(err)
	}
	if len(spec.Servers) != 1 || spec.Servers[0].URL != testBase {
		t.Errorf("the description names servers %v, want %s alone", spec.Servers, testBase)
	}
	if got := s.config.BuildURL(7); got != "https://ci.example"+testBase+"/logs/7" {
		t.Errorf("a status links to %s", got)
	}
}

func TestOnlyTheWholeBaseIsTakenOff(t *testing.T) {
	for _, c := range []struct{ base, asked, want string }{
		{"", "/logs/1", "/logs/1"},
		{"/ci", "/ci/logs/1", "/logs/1"},
		{"/ci", "/logs/1", "/logs/1"},
		{"/ci", "/ci", "/"},
		{"/ci", "/ci/", "/"},
		{"/ci", "/cinema", "/cinema"},
		{"/ci", "/x/ci/logs", "/x/ci/logs"},
		{"/ci", "/ci/ci/logs", "/ci/logs"},
		{"/ci", "/%63i/logs/%31", "/logs/1"},
		{"/ci", "/ci/a%2Fb", "/a%2Fb"},
	} {
		r := httptest.NewRequest(http.MethodGet, c.asked, nil)
		request := echo.New().NewContext(r, httptest.NewRecorder())
		if err := stripBase(c.base)(echo.NotFoundHandler)(request); err == nil {
			t.Fatal("the next handler was not called")
		}
		if got := r.URL.EscapedPath(); got != c.want {
			t.Errorf("below %q, %s is routed as %s, want %s", c.base, c.asked, got, c.want)
		}
	}
}

func TestBaseCannotBeTakenForAnAddress(t *testing.T) {
	good := Config{
		ServerURL: "https://github.com", WebhookSecret: "s", Repositories: everyone, Key: testKey,
		Ready: func(context.Context) error { return nil }, Log: slog.New(slog.DiscardHandler),
	}
	for base, ok := range map[string]bool{
		"": true, "/": true, "/vivarium": true, "/a/b.c/": true, "/logs-of-builds": true,
		"/logs": false, "/docs/ci": false, "/webhook/": false, "/a//b": false, "/../x": false, "/.": false,
		"/a%20b": false, "/ä": false,
	} {
		c := good
		c.PublicURL = "https://ci.example" + base
		if _, err := New(c, &store.Store{}); (err == nil) != ok || err != nil &&
			!strings.Contains(err.Error(), "VIVARIUM_PUBLIC_URL") {
			t.Errorf("base %q: %v; good: %v", base, err, ok)
		}
	}
}

func TestBrowserFollowsABuildAndReadsTheDescriptionBelowTheBase(t *testing.T) {
	ctx, visited := newBrowser(t)
	s := newSite(t, below)
	sc := s.work()
	id := s.push("o/n", false)
	sc.start(pipeline.StepClone)
	if err := chromedp.Do(ctx, chromedp.Navigate(s.http.URL+testBase+buildPath(id))); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, `document.querySelector("#state").textContent === "running"`)
	sc.write(pipeline.StepClone, pipeline.Stdout, "a line that came later\n")
	shows(t, ctx, `document.querySelector("#log").textContent.includes("a line that came later")`)
	sc.end(pipeline.Outcome{State: pipeline.Passed})
	for path, ready := range map[string]string{
		"/docs":  `document.querySelectorAll("#docs .opblock").length >= 11`,
		"/redoc": `document.querySelector("#docs h1")?.textContent.includes("Vivarium")`,
	} {
		if err := chromedp.Do(ctx, chromedp.Navigate(s.http.URL+testBase+path)); err != nil {
			t.Fatal(err)
		}
		shows(t, ctx, ready)
	}
	visited.check(t, s.http.URL+testBase)
}
