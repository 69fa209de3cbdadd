package events

import (
	"encoding/json"
	"fmt"
	"strings"
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
		"repository":  Repository(p.Repo, p.RepoID, p.Private),
		"pusher":      map[string]any{"name": p.Author, "email": p.Author + "@users.noreply.github.com"},
		"sender":      User(p.Author),
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
