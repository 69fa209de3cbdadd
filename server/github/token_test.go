package github_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/github"
	"vivarium/server/github/githubtest"
)

func TestTokenSaysWhatGitHubTells(t *testing.T) {
	expires := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	cases := map[string]struct {
		options githubtest.Options
		want    github.TokenInfo
	}{
		"classic": {
			githubtest.Options{Token: "ghp_1", Scopes: "repo:status, read:org"},
			github.TokenInfo{Login: "mona", Kind: github.TokenClassic, Scopes: []string{"repo:status", "read:org"}},
		},
		"fine-grained": {
			githubtest.Options{Token: "github_pat_1", Expires: expires},
			github.TokenInfo{Login: "mona", Kind: github.TokenFineGrained, Expires: "2027-01-31T12:00:00Z"},
		},
		"installation": {githubtest.Options{Token: "ghs_1"}, github.TokenInfo{Kind: github.TokenInstallation}},
		"old classic": {
			githubtest.Options{Token: sha, Scopes: "repo"},
			github.TokenInfo{Login: "mona", Kind: github.TokenClassic, Scopes: []string{"repo"}},
		},
		"other": {githubtest.Options{Token: "gho_1"}, github.TokenInfo{Login: "mona", Kind: github.TokenUnknown}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, client := connect(t, c.options)
			got, err := client.Token(t.Context())
			if len(got.Scopes) == 0 {
				got.Scopes = nil
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("Token = %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestTokenRefusedIsAnErrorWithoutTheToken(t *testing.T) {
	s, _ := connect(t, githubtest.Options{})
	_, err := client(t, github.Config{APIURL: s.URL(), Tokens: pipeline.FixedToken("ghp_wrong")}).Token(t.Context())
	if err == nil || !strings.Contains(err.Error(), "401: Bad credentials") || strings.Contains(err.Error(), "ghp_") {
		t.Errorf("Token = %v", err)
	}
	if _, err := client(t, github.Config{APIURL: s.URL()}).Token(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "set GITHUB_TOKEN") {
		t.Errorf("Token without one = %v", err)
	}
}

func TestConfigNeverShowsItsToken(t *testing.T) {
	c := github.Config{APIURL: "https://api.github.com", Tokens: pipeline.FixedToken(token)}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("start", "github", c)
	for _, shown := range []string{
		fmt.Sprint(c), fmt.Sprintf("%v", c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("with %s", c),
		log.String(),
	} {
		if strings.Contains(shown, token) || !strings.Contains(shown, "https://api.github.com") {
			t.Errorf("shown as %s", shown)
		}
	}
}

func TestNewRefusesAddressesThatCannotBe(t *testing.T) {
	for _, c := range []github.Config{
		{APIURL: "api.github.com"},
		{APIURL: "ftp://api.github.com"},
		{APIURL: "https://"},
		{APIURL: "https://user:hush@api.github.com"},
		{APIURL: "https://api.github.com?token=hush"},
		{APIURL: "https://api.github.com\n"},
	} {
		_, err := github.New(c)
		if err == nil || !strings.Contains(err.Error(), "GITHUB_") || strings.Contains(err.Error(), "hush") {
			t.Errorf("New(%q) = %v", c.APIURL, err)
		}
	}
}

func TestStatusesRefusesWhatWouldLeadToAnotherPath(t *testing.T) {
	s, c := connect(t, githubtest.Options{})
	for _, ref := range []string{
		"", "..", "../../other/repo/commits/main", "a/../../b", "/main", "a//b", ".", "a?b", "a\nb",
	} {
		if _, err := c.Statuses(t.Context(), repo, ref); err == nil {
			t.Errorf("ref %q was accepted", ref)
		}
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests were made, want 0", n)
	}
}

func TestCloneURLIsMadeOfTheServerAndTheNameOnly(t *testing.T) {
	for server, want := range map[string]string{
		"https://github.com":           "https://github.com/octo-org/hello.git",
		"https://git.example.org/ghe/": "https://git.example.org/ghe/octo-org/hello.git",
	} {
		base, err := url.Parse(server)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := github.CloneURL(base, repo); err != nil || got.String() != want {
			t.Errorf("CloneURL(%s) = %v, %v, want %s", server, got, err, want)
		}
		for _, name := range []string{"octo-org/..", "../..", "a/b/c", "a", "@evil/b", "a/b?c", "a/b#c", "a/%2e%2e"} {
			if got, err := github.CloneURL(base, name); err == nil {
				t.Errorf("CloneURL of %s = %s, want an error", name, got)
			}
		}
	}
	if _, err := github.CloneURL(&url.URL{
		Scheme: "https",
		Host:   "github.com",
		User:   url.User("hush"),
	}, repo); err == nil {
		t.Error("a server URL with credentials was accepted")
	}
}
