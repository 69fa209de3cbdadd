package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestDescriptionAndRouteTableAgree(t *testing.T) {
	s := newSite(t)
	var spec struct {
		Paths map[string]map[string]struct {
			Summary   string
			Responses map[string]any
		}
	}
	if err := json.Unmarshal([]byte(s.get("/openapi.json").body), &spec); err != nil {
		t.Fatal(err)
	}
	var described, routed []string
	for path, methods := range spec.Paths {
		for method, op := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
			if op.Summary == "" || len(op.Responses) == 0 {
				t.Errorf("%s %s is not described", method, path)
			}
		}
	}
	outside := map[string]bool{} // pages for people only
	for _, r := range s.routes() {
		outside[r.method+" "+r.path] = r.summary == ""
	}
	parameter := regexp.MustCompile(`:(\w+)`)
	for _, r := range s.echo.Routes() {
		if strings.HasSuffix(r.Path, "/*") {
			continue // embedded files
		}
		if name := r.Method + " " + parameter.ReplaceAllString(r.Path, "{$1}"); !outside[name] {
			routed = append(routed, name)
		}
	}
	slices.Sort(described)
	slices.Sort(routed)
	if !slices.Equal(described, routed) {
		t.Errorf("described %v\nrouted %v", described, routed)
	}
	for _, known := range []string{"GET /", "POST /webhook", "GET /logs", "GET /logs/{id}", "GET /logs/{id}/raw",
		"GET /logs/{id}/events", "GET /healthz", "GET /readyz", "GET /openapi.json", "GET /docs", "GET /redoc"} {
		if !slices.Contains(routed, known) {
			t.Errorf("there is no %s", known)
		}
	}
}

// TestDescriptionSaysWhereATokenCounts: routes that show builds are described as open to a token,
// and no others.
func TestDescriptionSaysWhereATokenCounts(t *testing.T) {
	s := newSite(t)
	for _, r := range s.routes() {
		item := s.api.OpenAPI().Paths[r.path]
		if item == nil || item.Get == nil || r.method != http.MethodGet {
			continue
		}
		takes := slices.ContainsFunc(item.Get.Security, func(need map[string][]string) bool {
			_, ok := need[tokenScheme]
			return ok
		})
		if takes != (r.access == readers) || takes != (item.Get.Responses["401"] != nil) {
			t.Errorf("%s is described as open to a token: %v, and 401 as its answer: %v",
				r.path, takes, item.Get.Responses["401"] != nil)
		}
	}
	if s.api.OpenAPI().Components.SecuritySchemes[tokenScheme] == nil {
		t.Error("the way in by a token is not described")
	}
}

var (
	foreign = regexp.MustCompile(`(?i)(src|href)="(https?:)?//[^"]*"`)
	loaded  = regexp.MustCompile(`(?:src|href)="(/[^"]*\.(?:js|css|svg)[^"]*)"`)
	inline  = regexp.MustCompile(`(?i)<script(?:[^>]*[^>])?>[^<]|<style|\son\w+=|\sstyle=|javascript:`)
)

func TestPagesLoadEverythingFromHere(t *testing.T) {
	s := newSite(t)
	id := s.push("o/n", false)
	for _, path := range []string{"/", "/logs", buildPath(id), "/logs/99", "/nothing", "/docs", "/redoc"} {
		a := s.get(path, browser)
		if ct := a.header.Get("Content-Type"); !strings.HasPrefix(ct, "text/html") {
			t.Errorf("GET %s is %s", path, ct)
		}
		// a reader follows these links
		body := strings.NewReplacer(`href="https://git.example/`, `href="/git/`).Replace(a.body)
		if found := foreign.FindString(body); found != "" {
			t.Errorf("GET %s loads %s", path, found)
		}
		if found := inline.FindString(body); found != "" {
			t.Errorf("GET %s has inline code or style: %s", path, found)
		}
		files := loaded.FindAllStringSubmatch(body, -1)
		if len(files) == 0 {
			t.Errorf("GET %s loads no file: the pattern is wrong", path)
		}
		for _, file := range files {
			if got := s.get(file[1]); got.code != 200 || len(got.body) == 0 ||
				got.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s of %s is answered %d with %d bytes", file[1], path, got.code, len(got.body))
			}
		}
	}
}

// TestEveryAnswerHasAStrictPolicy requests every route of the table, as a browser and as a program,
// and an address that is no route.
func TestEveryAnswerHasAStrictPolicy(t *testing.T) {
	s := newSite(t)
	id := s.push("o/n", false)
	paths := map[string]string{"a build that is not there": "/logs/99", "nothing": "/nothing",
		"a file": "/docs/swagger-ui.css", "the style": "/static/pages.css"}
	for _, r := range s.routes() {
		paths[r.path] = strings.NewReplacer("{id}", strconv.FormatInt(id, 10), "/*", "/none").Replace(r.path)
	}
	for name, path := range paths {
		for _, method := range []string{"GET", "POST", "HEAD", "DELETE", "OPTIONS"} {
			for _, as := range []func(*http.Request){browser, func(*http.Request) {}} {
				if strings.HasSuffix(path, "/events") && method == "GET" {
					continue // it lasts; HEAD shows its headers
				}
				a := s.do(httptest.NewRequest(method, path, nil), as)
				checkHeaders(t, fmt.Sprintf("%s %s (%s), %d", method, path, name, a.code), a.header)
			}
		}
	}
	if s.get(buildPath(id)).code != 200 || s.get(buildPath(id), browser).code != 200 {
		t.Error("control: the build is not answered")
	}
}

func checkHeaders(t *testing.T, of string, h http.Header) {
	t.Helper()
	policy := h.Get("Content-Security-Policy")
	for _, part := range []string{"default-src '", "frame-ancestors 'none'", "base-uri 'none'", "form-action '"} {
		if !strings.Contains(policy, part) {
			t.Errorf("policy of %s lacks %s: %s", of, part, policy)
		}
	}
	for _, part := range []string{"http", "*", "unsafe-"} {
		if strings.Contains(policy, part) {
			t.Errorf("policy of %s holds %s: %s", of, part, policy)
		}
	}
	if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" || h.Get("Cache-Control") == "" {
		t.Errorf("headers of %s: %v", of, h)
	}
}
