package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// visitor is a kind of client.
type visitor struct {
	name   string
	header map[string]string
}

func (v *visit) visitors() []visitor {
	return []visitor{
		{"program", map[string]string{"Accept": "application/json"}},
		{"browser", map[string]string{"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}},
		{"stranger", map[string]string{"Accept": "application/json", "Via": "1.1 elsewhere"}},
		{"stranger's browser", map[string]string{"Accept": "text/html", "Via": "1.1 elsewhere"}},
		{"operator from elsewhere", map[string]string{"Accept": "application/json", "Via": "1.1 elsewhere",
			"Authorization": "Bearer " + v.token}},
	}
}

// paths are all addresses that are asked for; those of one build for each build.
func (v *visit) paths() []string {
	all := []string{
		"/", "/webhook", "/webhook/", "/logs", "/logs?before=3", "/logs?before=x", "/?before=3", "/logs/999", "/logs/0",
		"/logs/999/raw", "/logs/999/events", "/logs/x", "/logs/x/raw", "/verdicts", "/verdicts?repo=octo/green",
		"/verdicts?at=nonsense",
		"/verdicts?at=2020-01-01T00:00:00Z", "/verdicts?repo=***", "/verdicts?after=x",
		"/badge/octo/green.svg", "/badge/octo/lint.svg", "/badge/octo/none.svg", "/badge/octo/green.svg?branch=none",
		"/badge/octo/private.svg", "/badge/octo/green.png", "/sign-in", "/sign-in?next=/logs/1",
		"/sign-in?next=//evil.example",
		"/sign-out", "/healthz", "/readyz", "/readyz?x=y", "/openapi.json", "/docs", "/redoc", "/docs/", "/docs/none",
		"/redoc/none", "/static/", "/static/none",
		"/static/pages.css", "/static/build.js", "/static/favicon.svg",
		"/nowhere", "/logs/", "/logs/1/",
	}
	for _, id := range v.builds {
		for _, rest := range []string{"", "/raw", "/raw?plain=1", "/events", "/events?plain=1"} {
			all = append(all, "/logs/"+id+rest)
		}
	}
	return append(all, "/logs/1/events?after=2", "/logs/1/events?after=x", "/logs/1/raw?follow=1", "/logs/1/raw?plain=x")
}

// routes asks for every address as every visitor, and with the methods that it does not have.
func (v *visit) routes(ctx context.Context) error {
	for _, path := range v.paths() {
		for _, who := range v.visitors() {
			if err := v.get(ctx, http.MethodGet, path, who); err != nil {
				return err
			}
		}
		program, browser := v.visitors()[0], v.visitors()[1]
		for _, act := range []struct {
			method string
			who    visitor
		}{{http.MethodHead, program}, {http.MethodHead, browser}, {http.MethodPut, program}, {http.MethodOptions, program}} {
			if err := v.get(ctx, act.method, path, act.who); err != nil {
				return err
			}
		}
	}
	// Only once: further failures would be refused for their number, with a time to wait.
	guesser := visitor{"guesser", map[string]string{"Accept": "application/json", "Authorization": "Bearer viv_wrong"}}
	if err := v.get(ctx, http.MethodGet, "/logs/1", guesser); err != nil {
		return err
	}
	return v.forms(ctx)
}

func (v *visit) get(ctx context.Context, method, path string, who visitor) error {
	req, err := http.NewRequestWithContext(ctx, method, v.server.URL+path, nil)
	if err != nil {
		return err
	}
	for name, value := range who.header {
		req.Header.Set(name, value)
	}
	return v.ask(fmt.Sprintf("%s %s as %s", method, path, who.name), req)
}

// forms signs in and out as a browser does.
func (v *visit) forms(ctx context.Context) error {
	for _, f := range []struct {
		name, path, site string
		values           url.Values
	}{
		{"sign in by a wrong token", "/sign-in", "same-origin", url.Values{"token": {"viv_wrong"}}},
		{"sign in by none", "/sign-in", "same-origin", nil},
		{"sign in from another site", "/sign-in", "cross-site", url.Values{"token": {v.token}}},
		{"sign in", "/sign-in", "same-origin", url.Values{"token": {v.token}, "next": {"/logs/1"}}},
		{"sign out", "/sign-out", "same-origin", nil},
	} {
		h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"text/html"},
			"Sec-Fetch-Site": {f.site}}
		if err := v.post(ctx, f.name, f.path, h, []byte(f.values.Encode())); err != nil {
			return err
		}
	}
	return nil
}

// makeToken makes an operator's token, for what follows.
func (v *visit) makeToken(ctx context.Context) error {
	out, err := v.server.Command(ctx, "token").Output()
	if err != nil {
		return fmt.Errorf("make a token: %w", err)
	}
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "viv_") {
			v.token = word
			return nil
		}
	}
	return fmt.Errorf("no token in %q", out)
}
