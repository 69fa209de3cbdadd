package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"vivarium/cmd/internal/harness"
	"vivarium/server/github/githubtest/events"
)

// deliver pushes every repository and waits for its build, then sends what is no build.
func (v *visit) deliver(ctx context.Context) error {
	for _, r := range repositories {
		if err := v.push(ctx, r); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	for _, d := range others {
		body := d.body
		if body == nil {
			d.push.SHA = cmp.Or(d.push.SHA, v.green)
			body = d.push.Payload()
		}
		header := events.Header(harness.WebhookSecret, d.event, body)
		if d.change != nil {
			d.change(header)
		}
		if err := v.post(ctx, "deliver "+d.name, "/webhook", header, body); err != nil {
			return err
		}
	}
	return nil
}

func (v *visit) push(ctx context.Context, r repository) error {
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	sha, err := v.world.Commit(ctx, r.name, "Add "+r.name, r.files)
	if err != nil {
		return err
	}
	v.green = cmp.Or(v.green, sha)
	v.commit(strings.TrimPrefix(r.name, "octo/"), sha)
	push := events.Push{Repo: r.name, SHA: sha, Private: r.private, Author: "mona", Message: "Add " + r.name,
		RepoID: int64(1000 + len(v.builds))}
	body := push.Payload()
	header := events.Header(harness.WebhookSecret, "push", body)
	for _, act := range []string{"", " again"} { // the second is a redelivery
		if err := v.post(ctx, "deliver "+r.name+act, "/webhook", header, body); err != nil {
			return err
		}
		if act == "" {
			v.builds = append(v.builds, fmt.Sprint(len(v.builds)+1))
			if _, err := v.world.GitHub.WaitFinal(ctx, sha); err != nil {
				return err
			}
			if err := v.settle(ctx, v.builds[len(v.builds)-1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle waits until the host has accepted all statuses of a build, also in the store.
func (v *visit) settle(ctx context.Context, id string) error {
	for {
		b, err := v.server.Build(ctx, id)
		if err != nil {
			return err
		}
		due := !b.State.Ended()
		for _, s := range b.CommitStatuses {
			due = due || s.SentAt == nil
		}
		if !due {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// delivery is one that brings no build.
type delivery struct {
	name, event string
	push        events.Push
	body        []byte // in place of the push
	change      func(http.Header)
}

var others = []delivery{
	{name: "a ping", event: "ping",
		body: []byte(`{"zen":"Keep it logically awesome.","hook_id":1,"repository":{"id":1000,"full_name":"octo/green"}}`)},
	{name: "a deleted branch", event: "push", push: events.Push{Repo: "octo/green", RepoID: 1000, Deleted: true}},
	{name: "a tag", event: "push", push: events.Push{Repo: "octo/green", RepoID: 1000, Ref: "refs/tags/v1"}},
	{name: "a branch without commits", event: "push",
		push: events.Push{Repo: "octo/green", RepoID: 1000, Ref: "refs/heads/new", Created: true, NoCommits: true}},
	{name: "an unknown event", event: "star", push: events.Push{Repo: "octo/green", RepoID: 1000}},
	{name: "an unknown repository", event: "push", push: events.Push{Repo: "stranger/repo"}},
	{name: "a wrong signature", event: "push", push: events.Push{Repo: "octo/green", RepoID: 1000},
		change: func(h http.Header) { h.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64)) }},
	{name: "no signature", event: "push", push: events.Push{Repo: "octo/green", RepoID: 1000},
		change: func(h http.Header) { h.Del("X-Hub-Signature-256") }},
	{name: "no event", event: "push", push: events.Push{Repo: "octo/green", RepoID: 1000},
		change: func(h http.Header) { h.Del("X-GitHub-Event") }},
	{name: "no JSON", event: "push", body: []byte("not JSON")},
	{name: "an empty object", event: "push", body: []byte("{}")},
	{name: "a short SHA", event: "push", push: events.Push{Repo: "octo/green", RepoID: 1000, SHA: "abc"}},
	{name: "text", event: "push", push: events.Push{Repo: "octo/green", RepoID: 1000},
		change: func(h http.Header) { h.Set("Content-Type", "text/plain") }},
	{name: "a broken form", event: "push", body: []byte(url.Values{"payload": {"{}"}}.Encode()),
		change: func(h http.Header) { h.Set("Content-Type", "application/x-www-form-urlencoded") }},
}

// post sends a body and writes down the answer.
func (v *visit) post(ctx context.Context, act, path string, header http.Header, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.server.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = header
	return v.ask(act, req)
}

// ask writes down the answer to a request. It follows no redirect.
func (v *visit) ask(act string, req *http.Request) error {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	return v.write(act, resp.Status+"\n"+headers(resp.Header)+"\n\n"+string(text))
}

// statuses writes down what GitHub was told, by commit.
func (v *visit) statuses(context.Context) error {
	var text strings.Builder
	for _, s := range v.world.GitHub.Statuses() {
		fmt.Fprintf(&text, "%s %s %s\n  %s: %s\n  %s\n", s.Repo, s.SHA, s.Context, s.State, s.Description, s.TargetURL)
	}
	return v.write("statuses", text.String())
}
