package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"vivarium/cmd/internal/harness"
	"vivarium/server"
	"vivarium/server/github/githubtest"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/store"
)

// course is a server that takes webhooks, and a GitHub with the repositories of a course.
type course struct {
	t      *testing.T
	github *githubtest.Server
	url    string
	data   string
}

func newCourse(t *testing.T, repos ...string) *course {
	t.Helper()
	c := &course{t: t, data: t.TempDir()}
	var err error
	if c.github, err = githubtest.Start(githubtest.Options{Token: harness.Token}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.github.Close() })
	for _, repo := range repos {
		c.github.AddRepo(repo)
	}
	key, err := operatorKey(config{dataDir: c.data})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	builds, err := store.Open(t.Context(), store.Options{DataDir: c.data, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { builds.Close() })
	s, err := server.New(server.Config{
		ServerURL: "https://git.example", Key: server.Secret(key), Version: "test", Log: log,
		Ready: func(context.Context) error {
			return nil
		},
	}, builds)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	c.url = web.URL
	return c
}

// vivarium runs a command as the server's operator.
func (c *course) vivarium(args ...string) (code int, out string) {
	var stdout, stderr bytes.Buffer
	code = run(c.t.Context(), args, []string{
		"VIVARIUM_DATA_DIR=" + c.data, "VIVARIUM_PUBLIC_URL=" + c.url, "GITHUB_API_URL=" + c.github.URL(),
		"GITHUB_TOKEN=" + harness.Token,
	}, strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String() + stderr.String()
}

func (c *course) want(wantCode int, wantOut []string, args ...string) {
	c.t.Helper()
	code, out := c.vivarium(args...)
	if code != wantCode {
		c.t.Errorf("%s ends with %d, want %d:\n%s", strings.Join(args, " "), code, wantCode, out)
	}
	for _, line := range wantOut {
		if !regexp.MustCompile("(?m)" + line).MatchString(out) {
			c.t.Errorf("%s does not say %q:\n%s", strings.Join(args, " "), line, out)
		}
	}
}

func TestHooksAreCreatedAndPingTheServer(t *testing.T) {
	c := newCourse(t, "school/group-1", "school/group-2", "school/website", "other/group-3", "school/group-old")
	c.github.Repo("school/group-old").Archive()
	c.want(0, []string{
		`^Let in school/group-\*\.$`, `^school/group-1 +webhook created, ping received$`,
		`^school/group-2 +webhook created, ping received$`,
		`^school/group-old +left alone: it is archived$`,
	}, "repos", "add", "school/group-*", "--hooks")
	hooks := c.github.Hooks()
	if len(hooks) != 2 || hooks[0].Secret == hooks[1].Secret {
		t.Fatalf("GitHub has %+v", hooks)
	}
	for _, h := range hooks {
		if h.URL != c.url+"/webhook" || !h.Active || !h.JSON ||
			strings.Join(h.Events, " ") != "push pull_request issue_comment repository meta" {
			t.Errorf("GitHub has %+v", h)
		}
		push := events.Push{Repo: h.Repo, SHA: strings.Repeat("a", 40), Author: h.Repo}
		a, err := events.Deliver(t.Context(), h.URL, h.Secret, "push", push.Payload())
		if err != nil || a.Code != 202 {
			t.Errorf("a push of %s is answered %v, %d %s", h.Repo, err, a.Code, a.Body)
		}
	}

	// A second run updates the webhook, with the secret that counts then.
	c.want(0, nil, "repos", "rotate", "school/group-1", "--grace", "0s")
	c.want(0, []string{
		`^school/group-\* is let in already\.$`, `^school/group-1 +webhook updated, ping received$`,
		`^school/group-2 +webhook updated, ping received$`,
	}, "repos", "add", "school/group-*", "--hooks")
	before, after := secretsByRepo(hooks), secretsByRepo(c.github.Hooks())
	if len(after) != 2 || after["school/group-1"] == before["school/group-1"] ||
		after["school/group-2"] != before["school/group-2"] {
		t.Errorf("the secrets were %v, then %v", before, after)
	}
	c.want(0, []string{`^school/group-1 +school/group-\* +20[0-9-]+ [0-9:]+ `}, "repos", "list")

	c.want(0, []string{` created the webhook of school/group-1$`, ` changed the webhook of school/group-1$`}, "audit")

	c.want(0, []string{`^other/group-3 +webhook created, ping received$`}, "repos", "add", "other/group-3", "--hooks")
}

func secretsByRepo(hooks []githubtest.Hook) map[string]string {
	secrets := map[string]string{}
	for _, h := range hooks {
		secrets[h.Repo] = h.Secret
	}
	return secrets
}

func TestHooksGoOnAfterOneThatCannotBeDone(t *testing.T) {
	c := newCourse(t, "school/group-1", "school/group-2", "school/group-3", "school/group-4")
	c.github.Repo("school/group-1").RefuseHooks(githubtest.HookRefusal{Code: 404, Message: "Not Found"})
	c.github.Repo("school/group-2").RefuseHooks(
		githubtest.HookRefusal{Code: 403, Message: "Resource not accessible by personal access token"})
	c.want(0, nil, "repos", "add", "school/group-3")
	c.want(0, nil, "repos", "disable", "school/group-3")
	c.want(1, []string{
		`^school/group-1 +not done: list its webhooks: GitHub answered 404: Not Found; the token may not manage ` +
			`its webhooks`,
		`^school/group-2 +not done: .*403: Resource not accessible by personal access token`,
		`^school/group-3 +not done: its deliveries are refused: vivarium repos enable school/group-3$`,
		`^school/group-4 +webhook created, ping received$`,
		`^3 of 4 not done\.`,
	}, "repos", "add", "school/group-*", "--hooks")
}

func TestHooksSayWhereThePingDoesNotCome(t *testing.T) {
	c := newCourse(t, "school/group-1")
	good, err := url.Parse(c.url)
	if err != nil {
		t.Fatal(err)
	}
	c.url = "http://127.0.0.1:1"
	c.want(1, []string{
		`^school/group-1 +webhook created, but no ping came within 3 s; GitHub says of it: connection_error 0 .* ` +
			`reached at http://127\.0\.0\.1:1/webhook\?$`,
	}, "repos", "add", "school/group-1", "--hooks", "--wait", "3s")
	c.url = good.String()
	c.want(0, []string{`^school/group-1 +webhook created, ping received$`}, "repos", "add", "school/group-1", "--hooks")
}

func TestHooksWaitForGitHubsRateLimit(t *testing.T) {
	c := newCourse(t, "school/group-1")
	c.github.Fail(githubtest.None(), githubtest.SecondaryLimit(403, "1"))
	c.want(0, []string{`GitHub's rate limit: going on at `, `^school/group-1 +webhook created, ping received$`},
		"repos", "add", "school/group-*", "--hooks")
}

func TestHooksAreRefusedWithoutWhatTheyNeed(t *testing.T) {
	c := newCourse(t, "school/website")
	c.want(2, []string{`GitHub shows the token 1 repositories of school, and none whose name fits school/group-\*; `},
		"repos", "add", "school/group-*", "--hooks")
	c.want(2, nil, "repos", "add", "corp/*", "--organization", "--hooks")
	c.url = ""
	c.want(2, []string{`set VIVARIUM_PUBLIC_URL$`}, "repos", "add", "school/website", "--hooks")
}

func TestHooksOfManyPages(t *testing.T) {
	var repos []string
	for i := range 101 {
		repos = append(repos, fmt.Sprintf("school/group-%03d", i))
	}
	c := newCourse(t, repos...)
	code, out := c.vivarium("repos", "add", "school/*", "--hooks")
	if n := strings.Count(out, "webhook created, ping received"); code != 0 || n != len(repos) {
		t.Errorf("ended with %d after %d of %d:\n%s", code, n, len(repos), out)
	}
}
