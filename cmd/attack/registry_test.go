package attack

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"vivarium/server"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/registry"
	"vivarium/server/store"
	"vivarium/server/store/people"
)

const operatorsKey = "the operator's key of this suite"

// TestOthersRepositories: group A holds the secret of its own repository. It signs deliveries to
// make the server fetch another group's private repository with the server's token.
func TestOthersRepositories(t *testing.T) {
	r := newRegistered(t)
	control := r.ownOpensOwn(t)
	sha := strings.Repeat("a", 40)
	b := events.Push{Repo: "school/group-b", RepoID: 2, SHA: sha, Private: true}.Payload()
	change := func(from, to string) []byte {
		t.Helper()
		if !strings.Contains(string(b), from) {
			t.Fatalf("the payload does not hold %s", from)
		}
		return []byte(strings.Replace(string(b), from, to, 1))
	}
	const repository, another = `"repository":`, `"repository":{"full_name":"school/group-a","id":1},`
	lab := events.Push{Repo: "course/lab-1", SHA: sha}.Payload()
	for name, c := range map[string]struct {
		tried, secret string
		body          []byte
		form          bool
	}{
		"json": {"B's repository", ownSecret("school/group-a", 0), b, false},
		"form": {
			"B's repository, as a form",
			ownSecret("school/group-a", 0),
			[]byte(url.Values{"payload": {string(b)}}.Encode()),
			true,
		},
		"other-letters": {
			"B's name in other letters",
			ownSecret("school/group-a", 0),
			change(`"school/group-b"`, `"SCHOOL/Group-B"`),
			false,
		},
		"own-id": {"B's name and A's id", ownSecret("school/group-a", 0), change(`"id":2`, `"id":1`), false},
		"look-alike": {
			"A's name with a Cyrillic letter",
			ownSecret("school/group-a", 0),
			change(`"school/group-b"`, `"school/gr\u043eup-a"`),
			false,
		},
		"two-repositories": {
			"two repositories, A's first",
			ownSecret("school/group-a", 0),
			change(repository, another+repository),
			false,
		},
		"two-in-other-letters": {"two repositories, one name in capitals", ownSecret("school/group-a", 0),
			change(repository, strings.Replace(another, "repository", "Repository", 1)+repository), false},
		"two-names": {
			"two full names",
			ownSecret("school/group-a", 0),
			change(`"full_name":`, `"full_name":"school/group-a","full_name":`),
			false,
		},
		"shared-secret": {"B's repository by the shared secret", secret, b, false},
		"pattern":       {"a pattern's repository by the pattern's name", ownSecret("course/lab-*", 0), lab, false},
		"pattern-neighbour": {
			"a pattern's repository by its neighbour's secret",
			ownSecret("course/lab-2", 0),
			lab,
			false,
		},
		"old-secret": {
			"a secret that was changed",
			ownSecret("school/changed", 0),
			events.Push{Repo: "school/changed", SHA: sha}.Payload(),
			false,
		},
		"not-let-in": {
			"a repository that nobody let in, by the shared secret",
			secret,
			events.Push{Repo: "evil/repo", SHA: sha}.Payload(),
			false,
		},
		"renamed": {
			"another's name beside A's own id",
			ownSecret("school/group-a", 0),
			events.Push{Repo: "rich/private", RepoID: 1, SHA: sha}.Payload(),
			false,
		},
	} {
		attack(t, name, c.tried, func(t *testing.T, l *line) {
			l.control = control
			before := r.count(t)
			code := r.sign(t, c.secret, c.body, c.form)
			if code < 400 || r.count(t) != before {
				t.Errorf("answered %d, %d builds more", code, r.count(t)-before)
			}
			l.outcome = fmt.Sprintf("%d, no build", code)
		})
	}
}

// ownOpensOwn is the control: each repository is built by its own secret.
func (r *receiver) ownOpensOwn(t *testing.T) string {
	t.Helper()
	for repo, its := range map[string]string{
		"school/group-a": ownSecret("school/group-a", 0), "school/group-b": ownSecret("school/group-b", 0),
		"course/lab-1": ownSecret("course/lab-1", 0), "school/changed": ownSecret("school/changed", 1),
		"octo/hello": secret,
	} {
		if code := r.sign(t, its, events.Push{Repo: repo, SHA: strings.Repeat("b", 40)}.Payload(),
			false); code != http.StatusAccepted {
			t.Fatalf("control: %s by its own secret is answered %d", repo, code)
		}
	}
	return "by its own secret each repository is built"
}

func ownSecret(name string, generation int64) string {
	return registry.Secret([]byte(operatorsKey), name, generation)
}

// newRegistered is a server with two groups, a pattern, a changed secret and a shared one.
func newRegistered(t *testing.T) *receiver {
	t.Helper()
	builds, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	by := people.Actor{Who: "the suite"}
	for name, kind := range map[string]registry.Kind{
		"school/group-a": registry.Repository, "school/group-b": registry.Repository,
		"school/changed": registry.Repository, "course/lab-*": registry.Pattern} {
		if _, err := builds.Entries.Add(t.Context(), by, kind, name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := builds.Entries.Rotate(t.Context(), by, "school/changed", 0); err != nil {
		t.Fatal(err)
	}
	if err := builds.Entries.LearnID(t.Context(), "school/group-a", 1); err != nil {
		t.Fatal(err)
	}
	return receive(t, builds, func(c *server.Config) {
		c.Repositories = []string{"octo/*"}
		c.NameOf = func(context.Context, int64) (string, error) { return "school/group-a", nil }
	})
}

// sign signs a body with a secret, delivers it, and returns the answer's status.
func (r *receiver) sign(t *testing.T, secret string, body []byte, form bool) int {
	t.Helper()
	h := events.Header(secret, "push", body)
	if form {
		h.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	code, _ := r.post(t, h, body)
	return code
}
