package githubtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Push is what a push payload is made from. Zero fields get plausible values.
type Push struct {
	Repo    string // OWNER/NAME
	RepoID  int64
	Private bool
	Ref     string // refs/heads/main
	Before  string
	SHA     string
	Author  string // the pusher's name
	Message string
	Created bool
	Deleted bool
	Forced  bool
	// NoCommits leaves the list of commits empty, as for a forced push back to an older commit, or
	// a branch made without commits.
	NoCommits bool
	Files     []string // that the commit changed; README.md
}

// Zeros is how a payload writes "no commit".
const Zeros = "0000000000000000000000000000000000000000"

// Payload builds the JSON of a push event as GitHub sends it.
func (p Push) Payload() []byte {
	p.fill()
	commits := []any{}
	var head any
	if !p.Deleted {
		head = p.commit()
		if !p.NoCommits {
			commits = append(commits, p.commit())
		}
	}
	body, err := json.Marshal(map[string]any{
		"ref": p.Ref, "before": p.Before, "after": p.SHA, "base_ref": nil,
		"created": p.Created, "deleted": p.Deleted, "forced": p.Forced,
		"compare":     fmt.Sprintf("https://github.com/%s/compare/%.12s...%.12s", p.Repo, p.Before, p.SHA),
		"repository":  p.repository(),
		"pusher":      map[string]any{"name": p.Author, "email": p.Author + "@users.noreply.github.com"},
		"sender":      user(p.Author),
		"commits":     commits,
		"head_commit": head,
	})
	if err != nil {
		panic(err) // it holds only maps, texts and numbers
	}
	return body
}

func (p *Push) fill() {
	fill(map[*string]string{
		&p.Repo:    "octo-org/hello",
		&p.Ref:     "refs/heads/main",
		&p.Author:  "mona",
		&p.Message: "Add a test",
		&p.SHA:     strings.Repeat("1", 40),
		&p.Before:  strings.Repeat("2", 40),
	})
	if p.Created {
		p.Before = Zeros
	}
	if p.Deleted {
		p.SHA = Zeros
	}
	if p.Files == nil {
		p.Files = []string{"README.md"}
	}
	if p.RepoID == 0 {
		p.RepoID = 186853002
	}
}

func (p *Push) commit() map[string]any {
	who := map[string]any{"name": p.Author, "email": p.Author + "@example.com", "username": p.Author}
	return map[string]any{
		"id": p.SHA, "tree_id": strings.Repeat("3", 40), "distinct": true, "message": p.Message,
		"timestamp": "2026-11-02T10:15:30+01:00",
		"url":       fmt.Sprintf("https://github.com/%s/commit/%s", p.Repo, p.SHA),
		"author":    who, "committer": who,
		"added": []string{}, "removed": []string{}, "modified": p.Files,
	}
}

func (p *Push) repository() map[string]any {
	owner, name, _ := strings.Cut(p.Repo, "/")
	account := user(owner)
	account["name"] = owner
	visibility := "public"
	if p.Private {
		visibility = "private"
	}
	return map[string]any{
		"id": p.RepoID, "node_id": "MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=",
		"name": name, "full_name": p.Repo, "private": p.Private, "visibility": visibility,
		"owner": account, "html_url": "https://github.com/" + p.Repo, "url": "https://github.com/" + p.Repo,
		"description": nil, "fork": false, "homepage": nil, "size": 12, "language": "Python",
		"clone_url":  "https://github.com/" + p.Repo + ".git",
		"git_url":    "git://github.com/" + p.Repo + ".git",
		"ssh_url":    "git@github.com:" + p.Repo + ".git",
		"created_at": 1557933641, "updated_at": "2026-10-30T08:00:00Z", "pushed_at": 1793610930,
		"stargazers_count": 0, "watchers_count": 0, "forks_count": 0, "open_issues_count": 2,
		"archived": false, "disabled": false, "topics": []string{}, "license": nil,
		"default_branch": "main", "master_branch": "main",
		// A list, though go-github's own type accepts only texts.
		"custom_properties": map[string]any{"team": "core", "languages": []string{"python", "go"}},
	}
}

func user(login string) map[string]any {
	return map[string]any{
		"login": login, "id": 21031067, "node_id": "MDQ6VXNlcjIxMDMxMDY3", "type": "User", "site_admin": false,
		"url": "https://api.github.com/users/" + login, "html_url": "https://github.com/" + login,
	}
}

// Sign returns the value of X-Hub-Signature-256.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Header returns the headers of a JSON delivery, with a new GUID.
func Header(secret, event string, body []byte) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "GitHub-Hookshot/044aadd")
	h.Set("X-GitHub-Delivery", guid())
	h.Set("X-GitHub-Event", event)
	h.Set("X-GitHub-Hook-ID", "292430182")
	h.Set("X-Hub-Signature-256", Sign(secret, body))
	return h
}

// Answer is a server's answer to a delivery.
type Answer struct {
	Code int
	Body []byte
	Took time.Duration
}

// Deliver signs a payload and posts it to a webhook's URL, as GitHub does: one try, 10 s.
func Deliver(ctx context.Context, url, secret, event string, payload []byte) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(payload))
	if err != nil {
		return Answer{}, fmt.Errorf("deliver %s event: %w", event, err)
	}
	req.Header = Header(secret, event, payload)
	begin := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("deliver %s event: %w", event, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return Answer{}, fmt.Errorf("deliver %s event: read answer: %w", event, err)
	}
	return Answer{Code: resp.StatusCode, Body: body, Took: time.Since(begin)}, nil
}

func guid() string {
	var b [16]byte
	rand.Read(b[:])
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// fill gives fields that are zero a plausible value.
func fill[T comparable](fields map[*T]T) {
	var zero T
	for field, value := range fields {
		if *field == zero {
			*field = value
		}
	}
}
