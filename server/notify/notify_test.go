package notify

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vivarium/pipeline"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestPeopleAreToldWhenABranchTurnsAndNotAtEachBuild(t *testing.T) {
	for name, c := range map[string]struct {
		ends []pipeline.State
		told string // R or G at each, or a dot
	}{
		"begins green": {[]pipeline.State{pipeline.Passed, pipeline.Passed}, ".."},
		"begins red":   {[]pipeline.State{pipeline.Failed, pipeline.Failed}, "R."},
		"turns red, then green": {
			[]pipeline.State{pipeline.Passed, pipeline.Failed, pipeline.Failed, pipeline.Passed}, ".R.G",
		},
		"could not be built":     {[]pipeline.State{pipeline.Passed, pipeline.Errored, pipeline.Failed}, ".R."},
		"canceled says nothing":  {[]pipeline.State{pipeline.Failed, pipeline.Canceled, pipeline.Failed}, "R.."},
		"green after a canceled": {[]pipeline.State{pipeline.Failed, pipeline.Canceled, pipeline.Passed}, "R.G"},
	} {
		is, told := None, ""
		for _, s := range c.ends {
			now := ColourOf(s)
			switch {
			case !Turned(is, now):
				told += "."
			case now == Red:
				told += "R"
			default:
				told += "G"
			}
			if now != None {
				is = now
			}
		}
		if told != c.told {
			t.Errorf("%s: told %s, want %s", name, told, c.told)
		}
	}
}

// hostile is a message in which strangers' words try to be more than words.
func hostile(c Colour) Message {
	return Message{
		Colour: c, Repo: "octo/hello", Branch: "a/<!channel>-@everyone-*x*", SHA: strings.Repeat("c0ffee", 7)[:40], Build: 12,
		URL: "https://ci.example.org/logs/12", State: "failed", Cause: "tests", Author: "mona",
		Summary: `test_total: 90 != 100 (test_cart.py:31) [a](https://evil.example) "q" & <b>`,
		Title:   "Fix <https://evil.example|this> `now`",
	}
}

func TestEachServiceIsToldInItsForm(t *testing.T) {
	for _, k := range []Kind{Webhook, Slack, Discord, Teams, Matrix} {
		got, err := hostile(Red).Body(k)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", string(k)+".json")
		if *update {
			if err := os.WriteFile(file, append(got, '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || string(want) != string(got)+"\n" {
			t.Errorf("%s: got\n%s\nwant\n%s %v", k, got, want, err)
		}
	}
	if _, err := hostile(Red).Body(Email); err == nil {
		t.Error("an e-mail is no JSON")
	}
}

func TestAMessageWithoutAPageHasNoLink(t *testing.T) {
	m := hostile(Green)
	m.URL, m.Summary, m.Title, m.Author = "", "", "", ""
	want := "octo/hello: a/<!channel>-@everyone-*x* is green again\ncommit c0ffeec0ffee"
	if got := m.Text(); got != want {
		t.Errorf("got %q", got)
	}
}

func TestTargetsAreReadStrictly(t *testing.T) {
	all, err := Parse("octo/*=mailto:team@example.org, slack+https://hooks.slack.example/T0/B0/x?a=b\n" +
		"octo/hello=webhook+http://10.1.0.5:3000/in matrix+https://syt_tok@matrix.example.org/!room:example.org")
	want := []Target{
		{Kind: Email, Pattern: "octo/*", Address: "team@example.org"},
		{Kind: Slack, URL: "https://hooks.slack.example/T0/B0/x?a=b"},
		{Kind: Webhook, Pattern: "octo/hello", URL: "http://10.1.0.5:3000/in"},
		{Kind: Matrix, URL: "https://matrix.example.org", Room: "!room:example.org", Token: "syt_tok"},
	}
	if err != nil || len(all) != len(want) {
		t.Fatalf("got %+v, %v", all, err)
	}
	for i := range want {
		if all[i] != want[i] {
			t.Errorf("got %+v, want %+v", all[i], want[i])
		}
	}
	if !all[0].Takes("Octo/Hello") || all[0].Takes("mona/hello") || !all[1].Takes("mona/hello") {
		t.Error("a target is told of others' repositories")
	}
	for _, bad := range []string{
		"team@example.org", "mailto:nobody", "mailto:A <a@b.example>", "slack+ftp://x.example", "irc+https://x.example",
		"https://x.example", "slack+https://user:hunter2@x.example", "matrix+https://matrix.example.org/!room:x",
		"matrix+https://tok@matrix.example.org", "octo=mailto:a@b.example", "*/*=mailto:a@b.example",
		"slack+https://a.example slack+https://b.example",
	} {
		if all, err := Parse(bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %+v, %v", bad, all, err)
		}
	}
}

// TestATargetsNameHidesItsSecrets: it stands in the database and in the log.
func TestATargetsNameHidesItsSecrets(t *testing.T) {
	for _, text := range []string{
		"slack+https://hooks.slack.example/T0/secret", "octo/*=matrix+https://secret@matrix.example.org/!room:x",
	} {
		all, err := Parse(text)
		if err != nil || strings.Contains(all[0].Name(), "secret") {
			t.Errorf("%s is called %s, %v", text, all[0].Name(), err)
		}
	}
}
