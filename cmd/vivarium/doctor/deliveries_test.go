package doctor

import (
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/server/github"
	"vivarium/server/github/githubtest"
)

func TestDoctorSaysWhetherDeliveriesCanBeAskedForAgain(t *testing.T) {
	g, err := githubtest.Start(githubtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	client, err := github.New(github.Config{APIURL: g.URL(), Tokens: pipeline.FixedToken("ghp_x")})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, name := range []string{"octo/hooked", "octo/bare", "octo/closed"} {
		g.AddRepo(name)
	}
	const url = "https://ci.example.org/webhook"
	if _, _, err := client.EnsureHook(t.Context(), "octo/hooked", url, "secret"); err != nil {
		t.Fatal(err)
	}
	g.Repo("octo/closed").RefuseHooks(githubtest.HookRefusal{Code: 403, Message: "Resource not accessible"})
	for repo, want := range map[string]Finding{
		"octo/hooked": {Level: Fine, Text: "asked for again"},
		"octo/bare":   {Level: Advice, Text: "repos add --hooks"},
		"octo/closed": {Level: Advice, Text: "admin:repo_hook"},
		"octo/absent": {Level: Advice, Text: "admin:repo_hook"},
	} {
		var got Finding
		Deliveries(t.Context(), New(func(f Finding) { got = f }), client, repo, url)
		if got.Level != want.Level || !strings.Contains(got.Text, want.Text) {
			t.Errorf("%s: %+v", repo, got)
		}
	}
}
