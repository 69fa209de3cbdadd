package server

import (
	"encoding/json"
	"regexp"
	"slices"
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
	parameter := regexp.MustCompile(`:(\w+)`)
	for _, r := range s.echo.Routes() {
		if strings.HasSuffix(r.Path, "/*") {
			continue // embedded files
		}
		routed = append(routed, r.Method+" "+parameter.ReplaceAllString(r.Path, "{$1}"))
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
		body := strings.NewReplacer(`href="https://git.example/`, `href="/git/`).Replace(a.body) // links that a reader follows
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
			if got := s.get(file[1]); got.code != 200 || len(got.body) == 0 || got.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s of %s is answered %d with %d bytes", file[1], path, got.code, len(got.body))
			}
		}
	}
}

func TestPagesHaveAStrictPolicy(t *testing.T) {
	s := newSite(t)
	id := s.push("o/n", false)
	for _, path := range []string{"/", "/logs", buildPath(id), "/logs/99", "/nothing", "/docs", "/redoc", "/openapi.json", buildPath(id) + "/raw"} {
		h := s.get(path, browser).header
		policy := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src '", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("policy of %s lacks %s: %s", path, part, policy)
			}
		}
		for _, part := range []string{"http", "*", "unsafe-eval", "script-src 'unsafe"} {
			if strings.Contains(policy, part) {
				t.Errorf("policy of %s holds %s: %s", path, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe-inline") && path != "/docs" && path != "/redoc" {
			t.Errorf("policy of %s allows inline styles", path)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" {
			t.Errorf("headers of %s: %v", path, h)
		}
	}
}
