package events

import (
	"encoding/json"
	"time"
)

// Comment is what an issue_comment payload is made from. Zero fields get plausible values: a new
// comment on pull request 12 by mona.
type Comment struct {
	Action      string
	Repo        string
	RepoID      int64
	Number      int
	Issue       bool // it is on an issue, not on a pull request
	Author      string
	AuthorID    int64
	SenderID    int64 // 0: the author
	Association string
	Text        string
	Title       string    // of the pull request
	At          time.Time // zero: in a moment
}

// Payload builds the JSON of an issue_comment event as GitHub sends it.
func (c Comment) Payload() []byte {
	fill(map[*string]string{
		&c.Action: "created", &c.Repo: "octo-org/hello", &c.Author: "mona", &c.Association: "OWNER", &c.Title: "Add a test",
	})
	fill(map[*int64]int64{&c.RepoID: 186853002, &c.AuthorID: 1})
	if c.SenderID == 0 {
		c.SenderID = c.AuthorID
	}
	if c.Number == 0 {
		c.Number = 12
	}
	if c.At.IsZero() {
		c.At = time.Now().Add(2 * time.Second) // whole seconds: it is after whatever came before
	}
	author, sender := User(c.Author), User(c.Author)
	author["id"], sender["id"] = c.AuthorID, c.SenderID
	issue := map[string]any{"number": c.Number, "title": c.Title, "state": "open", "user": User("stranger")}
	if !c.Issue {
		issue["pull_request"] = map[string]any{"url": "https://api.github.com/repos/" + c.Repo + "/pulls/12"}
	}
	body, err := json.Marshal(map[string]any{
		"action": c.Action, "issue": issue, "sender": sender,
		"repository": Repository(c.Repo, c.RepoID, false),
		"comment": map[string]any{
			"id": 1, "body": c.Text, "user": author, "author_association": c.Association,
			"created_at": c.At.UTC().Format(time.RFC3339),
		},
	})
	if err != nil {
		panic(err) // it holds only maps, texts and numbers
	}
	return body
}
