package notify

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
)

// Message tells that a branch has turned.
type Message struct {
	Colour  Colour `json:"turned"`
	Repo    string `json:"repository"`
	Branch  string `json:"branch"`
	SHA     string `json:"sha"`
	Build   int64  `json:"build"`
	URL     string `json:"url"` // of the build's page; empty where nobody outside reaches it
	State   string `json:"state"`
	Cause   string `json:"cause"`
	Summary string `json:"summary"`
	Author  string `json:"author"`
	Title   string `json:"message"` // first line of the commit's
}

// Subject is one line that says it all.
func (m Message) Subject() string {
	if m.Colour == Green {
		return fmt.Sprintf("%s: %s is green again", m.Repo, m.Branch)
	}
	return fmt.Sprintf("%s: %s is red", m.Repo, m.Branch)
}

// Text is the whole in plain text.
func (m Message) Text() string {
	lines := []string{m.Subject()}
	if m.Summary != "" {
		lines = append(lines, m.Summary)
	}
	commit := fmt.Sprintf("commit %.12s", m.SHA)
	if m.Title != "" {
		commit += ": " + m.Title
	}
	if m.Author != "" {
		commit += " (" + m.Author + ")"
	}
	lines = append(lines, commit)
	if m.URL != "" {
		lines = append(lines, m.URL)
	}
	return strings.Join(lines, "\n")
}

// mostDiscord is the longest content of a message there, in characters.
const mostDiscord = 2000

// Body is what a target of a kind is sent, as JSON. Nothing in it addresses people by name or is
// taken for a link: names of branches and messages of commits are strangers' words.
func (m Message) Body(k Kind) ([]byte, error) {
	switch k {
	case Webhook:
		return json.MarshalIndent(struct {
			Event string `json:"event"`
			Message
		}{"branch", m}, "", "  ")
	case Slack:
		return marshal(map[string]any{"text": slackText(m), "unfurl_links": false})
	case Discord:
		text := []rune(discordText(m))
		return marshal(map[string]any{
			"content": string(text[:min(len(text), mostDiscord)]), "allowed_mentions": map[string]any{"parse": []string{}},
		})
	case Teams:
		return marshal(teamsCard(m))
	case Matrix:
		return marshal(map[string]any{
			"msgtype": "m.notice", "body": m.Text(), "format": "org.matrix.custom.html", "formatted_body": matrixHTML(m),
		})
	}
	return nil, fmt.Errorf("a target of kind %q takes no JSON", k)
}

func marshal(v any) ([]byte, error) { return json.MarshalIndent(v, "", "  ") }

// slackText is mrkdwn: three characters are escaped (docs.slack.dev, "Formatting message text").
func slackText(m Message) string {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	plain := m
	plain.URL = ""
	text := escape(plain.Text())
	if m.URL != "" {
		text += fmt.Sprintf("\n<%s|build %d>", m.URL, m.Build)
	}
	return text
}

// discordText escapes what Markdown would take for a form.
func discordText(m Message) string {
	var b strings.Builder
	plain := m
	plain.URL = ""
	for _, r := range plain.Text() {
		if strings.ContainsRune("\\*_~`|>[]()#@<:", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	if m.URL != "" {
		b.WriteString("\n<" + m.URL + ">")
	}
	return b.String()
}

func matrixHTML(m Message) string {
	plain := m
	plain.URL = ""
	text := strings.ReplaceAll(html.EscapeString(plain.Text()), "\n", "<br>")
	if m.URL != "" {
		text += fmt.Sprintf(`<br><a href="%s">build %d</a>`, html.EscapeString(m.URL), m.Build)
	}
	return text
}

// teamsCard is an adaptive card, as a workflow of Teams takes it.
func teamsCard(m Message) map[string]any {
	plain := m
	plain.URL = ""
	lines := strings.Split(plain.Text(), "\n")
	colour := map[Colour]string{Green: "Good", Red: "Attention"}[m.Colour]
	body := []any{map[string]any{
		"type": "TextBlock", "text": markdownless(lines[0]), "weight": "Bolder", "color": colour, "wrap": true,
	}}
	for _, line := range lines[1:] {
		body = append(body, map[string]any{"type": "TextBlock", "text": markdownless(line), "wrap": true})
	}
	card := map[string]any{
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
		"body": body,
	}
	if m.URL != "" {
		card["actions"] = []any{map[string]any{
			"type": "Action.OpenUrl", "title": fmt.Sprintf("Build %d", m.Build), "url": m.URL,
		}}
	}
	return map[string]any{"type": "message", "attachments": []any{map[string]any{
		"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card,
	}}}
}

// markdownless keeps a text block from making links and forms of a stranger's words.
func markdownless(s string) string {
	return strings.NewReplacer("\\", "\\\\", "[", "\\[", "]", "\\]", "*", "\\*", "_", "\\_", "`", "\\`").Replace(s)
}
