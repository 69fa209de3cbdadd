package remote

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"vivarium/cmd/internal/treetest"
	"vivarium/pipeline"
	"vivarium/sandbox/egress/egresstest"
)

func newGitHost(t *testing.T, c egresstest.GitHostConfig) *egresstest.GitHost {
	t.Helper()
	h, err := egresstest.StartGitHost(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func commitTo(t *testing.T, h *egresstest.GitHost, repo, branch string) string {
	t.Helper()
	shas, err := h.Commit(t.Context(), repo,
		egresstest.Commit{Branch: branch, Files: map[string]string{"branch": branch}})
	if err != nil {
		t.Fatal(err)
	}
	return shas[0]
}

func resolverOf(h *egresstest.GitHost, repo string, retried *int) Resolver {
	return Resolver{
		Repo:  pipeline.Git{URL: h.RepoURL(repo)},
		Pause: time.Millisecond,
		Retry: func(error) { *retried++ },
	}
}

func TestResolverFindsEveryFormOfARef(t *testing.T) {
	h := newGitHost(t, egresstest.GitHostConfig{})
	main, topic := commitTo(t, h, "octo/hello", ""), commitTo(t, h, "octo/hello", "topic/one")
	dir := t.TempDir()
	treetest.Git(t, dir, "clone", "-q", h.RepoURL("octo/hello").String(), ".")
	treetest.Git(t, dir, "tag", "light", topic)
	treetest.Git(t, dir, "tag", "-a", "-m", "one", "annotated", topic)
	treetest.Git(t, dir, "tag", "main", topic) // a branch of the same name wins
	treetest.Git(t, dir, "push", "-q", "origin", "--tags")

	for ref, want := range map[string]string{
		"": main, "HEAD": main, "main": main, "refs/heads/main": main, "heads/main": main,
		"topic/one": topic, "light": topic, "annotated": topic, "refs/tags/annotated": topic, "refs/tags/main": topic,
		topic: topic, strings.Repeat("a", 40): strings.Repeat("a", 40),
		strings.Repeat("b", 64): strings.Repeat("b", 64),
	} {
		retried := 0
		got, err := resolverOf(h, "octo/hello", &retried).Resolve(t.Context(), ref)
		if err != nil || got != want || retried != 0 {
			t.Errorf("%q: got %s, %v, %d retries; want %s", ref, got, err, retried, want)
		}
	}
}

// TestResolverReadsASHA256Repository: its IDs are longer than those that go-git's reader accepts.
func TestResolverReadsASHA256Repository(t *testing.T) {
	h := newGitHost(t, egresstest.GitHostConfig{ObjectFormat: "sha256"})
	want := commitTo(t, h, "octo/hello", "")
	retried := 0
	for _, ref := range []string{"", "main"} {
		if got, err := resolverOf(h, "octo/hello", &retried).Resolve(t.Context(), ref); err != nil || got != want ||
			len(want) != 64 {
			t.Errorf("%q: got %s, %v; want %s", ref, got, err, want)
		}
	}
}

func TestURLOfARepositoryMayEndInASlash(t *testing.T) {
	h := newGitHost(t, egresstest.GitHostConfig{})
	want := commitTo(t, h, "octo/hello", "")
	for _, end := range []string{"", "/", "//"} {
		u, err := ParseURL(h.URL() + "/octo/hello" + end)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Resolver{
			Repo:  pipeline.Git{URL: u},
			Pause: time.Millisecond,
			Retry: func(error) {},
		}.Resolve(t.Context(), "")
		if err != nil || got != want || strings.HasSuffix(u.Path, "/") {
			t.Errorf("%s: got %s, %v; want %s", u, got, err, want)
		}
	}
}

func TestListOfRefsIsReadStrictly(t *testing.T) {
	for list, want := range map[string]string{
		"": "empty",
		"001e# service=git-upload-pack\n00000041" + strings.Repeat("0", 40) + " capabilities^{}\x00 ofs": "empty",
		"000aERR no": "no",
		"0009hello":  "no line of a list",
		"zzzz":       "read the list",
	} {
		if a, err := readAdvertised(strings.NewReader(list)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v; want %q", list, a, err, want)
		}
	}
}

func TestResolverTellsWhyThereIsNoCommit(t *testing.T) {
	h := newGitHost(t, egresstest.GitHostConfig{})
	commitTo(t, h, "octo/hello", "")
	for _, tc := range []struct {
		name, repo, ref string
		fault           egresstest.Fault
		want            string
		served          bool
		retries         int
	}{
		{
			name:   "unknown ref",
			repo:   "octo/hello",
			ref:    "nope",
			want:   `no branch, tag or other ref "nope"`,
			served: true,
		},
		{name: "abbreviated SHA", repo: "octo/hello", ref: "abcdef1", want: `other ref "abcdef1"`, served: true},
		{name: "no repository", repo: "octo/absent", want: "repository not found"},
		{
			name:  "private",
			repo:  "octo/hello",
			fault: egresstest.Status(http.StatusUnauthorized),
			want:  "authentication required",
		},
		{
			name:  "error of the host",
			repo:  "octo/hello",
			fault: egresstest.Status(http.StatusInternalServerError),
			want:  "HTTP 500",
		},
		{
			name:    "gateway",
			repo:    "octo/hello",
			fault:   egresstest.Status(http.StatusBadGateway),
			want:    "HTTP 502",
			retries: 2,
		},
		{name: "connection cut", repo: "octo/hello", fault: egresstest.Drop, want: "EOF", retries: 2},
		{name: "not git", repo: "octo/hello", fault: egresstest.Endless("text/html"), want: ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h.SetFault(tc.fault)
			defer h.SetFault(nil)
			retried := 0
			sha, err := resolverOf(h, tc.repo, &retried).Resolve(t.Context(), tc.ref)
			var failure *Error
			if !errors.As(err, &failure) {
				t.Fatalf("got %q, %v", sha, err)
			}
			if !strings.Contains(err.Error(), tc.want) || failure.Served != tc.served || retried != tc.retries {
				t.Errorf("got %v, served %t, %d retries", err, failure.Served, retried)
			}
		})
	}
}

func TestResolverSucceedsWhenTheHostComesBack(t *testing.T) {
	h := newGitHost(t, egresstest.GitHostConfig{})
	want := commitTo(t, h, "octo/hello", "")
	h.SetFault(egresstest.Drop)
	r := Resolver{
		Repo:  pipeline.Git{URL: h.RepoURL("octo/hello")},
		Pause: time.Millisecond,
		Retry: func(error) { h.SetFault(nil) },
	}
	if got, err := r.Resolve(t.Context(), ""); err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestResolverGivesTheTokenToItsOwnOriginOnly(t *testing.T) {
	const token = "ghp_canary"
	h := newGitHost(t, egresstest.GitHostConfig{Token: token})
	want := commitTo(t, h, "octo/hello", "")
	r := Resolver{Repo: pipeline.Git{URL: h.RepoURL("octo/hello"), Tokens: pipeline.FixedToken(token)}}
	if got, err := r.Resolve(t.Context(), ""); err != nil || got != want {
		t.Fatalf("control: got %q, %v", got, err)
	}
	other := newGitHost(t, egresstest.GitHostConfig{})
	h.SetFault(egresstest.RedirectTo(other.URL()))
	_, err := r.Resolve(t.Context(), "")
	if err == nil || len(other.Requests()) == 0 {
		t.Fatalf("control: the redirect was not followed: %v", err)
	}
	for _, q := range other.Requests() {
		if q.Header.Get("Authorization") != "" {
			t.Error("the token went along with a redirect")
		}
	}
}

func TestNoRepositorysPasswordStandsInAMessage(t *testing.T) {
	for _, address := range []string{"https://user:hunter2@host.example.org/o/n",
		"ftp://user:hunter2@host.example.org/o/n", "https://user:hunter2%zz@host.example.org/o/n",
		"https://host.example.org/o/n?token=hunter2"} {
		if _, err := ParseURL(address); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", address, err)
		}
	}
}
