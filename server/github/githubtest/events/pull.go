package events

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Pull is what a pull_request payload is made from. Zero fields get plausible values: a pull request
// of somebody's fork, from whom nothing was merged yet.
type Pull struct {
	Action      string
	Number      int
	Repo        string // the base, OWNER/NAME
	RepoID      int64
	Private     bool
	SHA         string // the head
	Branch      string // the head's; people choose it freely
	Title       string
	Author      string
	AuthorID    int64
	SenderID    int64 // who caused the event; 0 for the author
	Association string
	Same        bool   // the head is in the base
	HeadGone    bool   // the fork was deleted
	Updated     string // RFC 3339
	Retargeted  string // the base branch before, for edited
}

// Payload builds the JSON of a pull_request event as GitHub sends it.
func (p Pull) Payload() []byte {
	p.fill()
	base := Repository(p.Repo, p.RepoID, p.Private)
	base["pushed_at"] = "2026-11-02T10:15:30Z" // in these events it is a text
	var head any = base
	switch {
	case p.HeadGone:
		head = nil
	case !p.Same:
		_, name, _ := strings.Cut(p.Repo, "/")
		fork := Repository(p.Author+"/"+name, p.RepoID+1000, p.Private)
		fork["fork"] = true
		head = fork
	}
	author, sender := User(p.Author), User(p.Author)
	author["id"], sender["id"] = p.AuthorID, p.SenderID
	event := map[string]any{
		"action": p.Action, "number": p.Number, "repository": base, "sender": sender,
		"pull_request": map[string]any{
			"number": p.Number, "state": "open", "title": p.Title, "user": author, "draft": false, "merged": false,
			"body": nil, "mergeable": nil, "author_association": p.Association, "updated_at": p.Updated,
			"html_url": fmt.Sprintf("https://github.com/%s/pull/%d", p.Repo, p.Number),
			"head": map[string]any{
				"label": p.Author + ":" + p.Branch, "ref": p.Branch, "sha": p.SHA, "user": author, "repo": head,
			},
			"base": map[string]any{"label": "octo-org:main", "ref": "main", "sha": strings.Repeat("4", 40), "repo": base},
		},
	}
	if p.Retargeted != "" {
		event["changes"] = map[string]any{"base": map[string]any{"ref": map[string]any{"from": p.Retargeted}}}
	}
	body, err := json.Marshal(event)
	if err != nil {
		panic(err) // it holds only maps, texts and numbers
	}
	return body
}

func (p *Pull) fill() {
	fill(map[*string]string{
		&p.Action: "opened", &p.Repo: "octo-org/hello", &p.SHA: strings.Repeat("5", 40), &p.Branch: "patch-1",
		&p.Title: "Add a test", &p.Author: "stranger", &p.Association: "NONE", &p.Updated: "2026-11-02T10:15:30Z",
	})
	fill(map[*int64]int64{&p.RepoID: 186853002, &p.AuthorID: 7001})
	if p.SenderID == 0 {
		p.SenderID = p.AuthorID
	}
	if p.Number == 0 {
		p.Number = 12
	}
}
