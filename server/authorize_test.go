package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"vivarium/server/github/githubtest/events"
	"vivarium/server/registry"
	"vivarium/server/store/people"
)

var byTest = people.Actor{Who: "the test"}

// letIn adds entries to the registry: a repository of group A, one of group B, and a pattern.
func (s *site) letIn(t *testing.T) {
	t.Helper()
	for name, kind := range map[string]registry.Kind{
		"school/group-a": registry.Repository, "school/group-b": registry.Repository, "course/lab-*": registry.Pattern,
	} {
		if _, err := s.store.Entries.Add(t.Context(), byTest, kind, name); err != nil {
			t.Fatal(err)
		}
	}
}

func secretOf(name string, generation int64) string {
	return registry.Secret([]byte(testKey), name, generation)
}

// signed delivers a body signed with a secret.
func (s *site) signed(secret string, body []byte, change ...func(*http.Request)) answer {
	sign := func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", events.Sign(secret, body)) }
	return s.deliver("push", body, append([]func(*http.Request){sign}, change...)...)
}

func form(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }

func formOf(payload []byte) []byte { return []byte(url.Values{"payload": {string(payload)}}.Encode()) }

func TestOneRepositorysSecretOpensNoOther(t *testing.T) {
	s := newSite(t)
	s.letIn(t)
	sha := strings.Repeat("a", 40)
	b := events.Push{Repo: "school/group-b", RepoID: 2, SHA: sha, Private: true}.Payload()
	replace := func(from, to string) []byte { return []byte(strings.Replace(string(b), from, to, 1)) }
	a := `"repository":{"full_name":"school/group-a","id":1},`
	for name, c := range map[string]struct {
		code int
		got  answer
	}{
		"B's repository, JSON": {401, s.signed(secretOf("school/group-a", 0), b)},
		"B's repository, form": {401, s.signed(secretOf("school/group-a", 0), formOf(b), form)},
		"B's in other letters": {401,
			s.signed(secretOf("school/group-a", 0),
				replace(`"full_name":"school/group-b"`, `"full_name":"SCHOOL/Group-B"`))},
		"B's name and A's id": {401,
			s.signed(secretOf("school/group-a", 0), replace(`"id":2`, `"id":1`))},
		"two repositories, A's first": {400,
			s.signed(secretOf("school/group-a", 0), replace(`"repository":`, a+`"repository":`))},
		"two repositories in other letters": {400,
			s.signed(secretOf("school/group-a", 0),
				replace(`"repository":`, strings.Replace(a, "repository", "Repository", 1)+`"repository":`))},
		"a look-alike name": {400,
			s.signed(secretOf("school/group-a", 0),
				replace(`"full_name":"school/group-b"`, `"full_name":"school/grоup-a"`))},
		"the shared secret": {401, s.signed(secret, b)},
		"a pattern's own name": {401,
			s.signed(secretOf("course/lab-*", 0), events.Push{Repo: "course/lab-1", SHA: sha}.Payload())},
		"another of the pattern": {401,
			s.signed(secretOf("course/lab-2", 0), events.Push{Repo: "course/lab-1", SHA: sha}.Payload())},
		"nobody's repository": {401,
			s.signed(secretOf("evil/repo", 0), events.Push{Repo: "evil/repo", SHA: sha}.Payload())},
		"nobody's, by the shared secret": {401,
			s.signed(secret, events.Push{Repo: "evil/repo", SHA: sha}.Payload())},
	} {
		t.Run(name, func(t *testing.T) { c.got.wantProblem(t, c.code) })
	}
	if s.count() != 0 {
		t.Fatalf("%d builds, want none", s.count())
	}
	// The control: each secret opens its own repository.
	for name, got := range map[string]answer{
		"B": s.signed(secretOf("school/group-b", 0), b),
		"B, form": s.signed(secretOf("school/group-b", 0),
			formOf(events.Push{Repo: "school/group-b", SHA: strings.Repeat("b", 40)}.Payload()), form),
		"a pattern's": s.signed(secretOf("course/lab-1", 0), events.Push{Repo: "course/lab-1", SHA: sha}.Payload()),
		"the shared":  s.signed(secret, events.Push{Repo: "o/n", SHA: sha}.Payload()),
	} {
		if got.code != http.StatusAccepted {
			t.Errorf("%s: answered %d %s", name, got.code, got.body)
		}
	}
}

func TestOldSecretCountsUntilItsGraceIsOver(t *testing.T) {
	s := newSite(t)
	s.letIn(t)
	deliver := func(generation int64, n string) int {
		return s.signed(secretOf("school/group-a", generation),
			events.Push{Repo: "school/group-a", SHA: strings.Repeat(n, 40)}.Payload()).code
	}
	if _, err := s.store.Entries.Rotate(t.Context(), byTest, "school/group-a", time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := deliver(0, "a"); got != http.StatusAccepted {
		t.Errorf("control: within the grace the old secret is answered %d", got)
	}
	if _, err := s.store.Entries.Rotate(t.Context(), byTest, "School/Group-A", 0); err != nil {
		t.Fatal(err)
	}
	for generation, want := range []int{http.StatusUnauthorized, http.StatusUnauthorized, http.StatusAccepted} {
		if got := deliver(int64(generation), "bcd"[generation:][:1]); got != want {
			t.Errorf("secret %d is answered %d, want %d", generation, got, want)
		}
	}
}

func TestRefusedRepositoriesAreCountedAndNothingElseIsKept(t *testing.T) {
	s := newSite(t)
	s.letIn(t)
	for range 3 {
		a := s.signed("anything", events.Push{Repo: "evil/repo", Author: "mallory"}.Payload())
		if a.code != http.StatusUnauthorized || !strings.Contains(string(a.body), "vivarium repos add evil/repo") ||
			strings.Contains(string(a.body), "school") {
			t.Fatalf("answered %d %s", a.code, a.body)
		}
	}
	refused, err := s.store.Entries.Refusals(t.Context())
	if err != nil || len(refused) != 1 || refused[0].Name != "evil/repo" || refused[0].Count != 3 {
		t.Errorf("refusals %+v, %v", refused, err)
	}
	entries, err := s.store.Entries.List(t.Context())
	if err != nil || len(entries) != 3 {
		t.Errorf("entries %+v, %v; want the three that were added", entries, err)
	}
}

// TestRenamedRepositoryIsFollowedOnlyWhereGitHubSaysSo: the ID leads to the secret, and GitHub's
// word to the new name. Otherwise whoever holds A's secret could have any repository built whose
// name stands beside A's ID.
func TestRenamedRepositoryIsFollowedOnlyWhereGitHubSaysSo(t *testing.T) {
	s := newSite(t)
	s.letIn(t)
	if err := s.store.Entries.LearnID(t.Context(), "school/group-a", 1); err != nil {
		t.Fatal(err)
	}
	names, asked := map[int64]string{1: "school/winners"}, 0
	s.config.NameOf = func(_ context.Context, id int64) (string, error) {
		asked++
		if name := names[id]; name != "" {
			return name, nil
		}
		return "", errors.New("no answer")
	}
	deliver := func(secret, repo string, id int64, n string) int {
		return s.signed(secret, events.Push{Repo: repo, RepoID: id, SHA: strings.Repeat(n, 40)}.Payload()).code
	}
	if got := deliver(secretOf("school/group-a", 0), "rich/private", 1, "a"); got != http.StatusUnauthorized ||
		asked != 1 {
		t.Errorf("another's name beside A's id is answered %d after %d questions", got, asked)
	}
	if got := deliver("no secret", "school/winners", 1, "b"); got != http.StatusUnauthorized || asked != 1 {
		t.Errorf("without a signature the renamed is answered %d after %d questions", got, asked)
	}
	if got := deliver(secretOf("school/group-a", 0), "school/winners", 1, "c"); got != http.StatusAccepted {
		t.Errorf("the renamed is answered %d", got)
	}
	if got := deliver(secretOf("school/group-a", 0), "school/winners", 1, "d"); got != http.StatusAccepted ||
		asked != 2 {
		t.Errorf("the second time the renamed is answered %d after %d questions, want 202 after 2", got, asked)
	}
	delete(names, 1)
	if got := deliver(secretOf("school/group-a", 0), "school/again", 1, "e"); got != http.StatusServiceUnavailable {
		t.Errorf("without an answer of GitHub's it is answered %d", got)
	}
}

// TestRenamedRepositoryOfTheSharedSecretIsFollowed: only to a name that the secret opens too.
func TestRenamedRepositoryOfTheSharedSecretIsFollowed(t *testing.T) {
	s := newSite(t)
	name := "o/first"
	s.config.NameOf = func(context.Context, int64) (string, error) { return name, nil }
	deliver := func(n string) int {
		return s.signed(secret, events.Push{Repo: name, RepoID: 9, SHA: strings.Repeat(n, 40)}.Payload()).code
	}
	if got := deliver("a"); got != http.StatusAccepted {
		t.Fatalf("control: before the renaming it is answered %d", got)
	}
	if err := s.store.Entries.LearnID(t.Context(), name, 9); err != nil {
		t.Fatal(err)
	}
	name = "o/second"
	if got := deliver("b"); got != http.StatusAccepted {
		t.Errorf("the renamed is answered %d", got)
	}
	entries, err := s.store.Entries.List(t.Context())
	if err != nil || len(entries) != 1 || entries[0].Name != "o/second" || entries[0].GitHubID != 9 {
		t.Errorf("the registry holds %+v, %v; want the renamed alone", entries, err)
	}
	name = "elsewhere/second"
	if got := deliver("c"); got != http.StatusUnauthorized {
		t.Errorf("transferred to where the secret opens nothing, it is answered %d", got)
	}
}

// TestPatternTakesOverWhatTheSharedSecretLetIn: the repository counts for the pattern's limits from
// then on.
func TestPatternTakesOverWhatTheSharedSecretLetIn(t *testing.T) {
	s := newSite(t)
	deliver := func(secret, n string) int {
		return s.signed(secret, events.Push{Repo: "o/app", SHA: strings.Repeat(n, 40)}.Payload()).code
	}
	if got := deliver(secret, "a"); got != http.StatusAccepted {
		t.Fatalf("control: by the shared secret it is answered %d", got)
	}
	pattern, err := s.store.Entries.Add(t.Context(), byTest, registry.Pattern, "o/*")
	if err != nil {
		t.Fatal(err)
	}
	s.config.WebhookSecret, s.config.Repositories = "", nil
	if got := deliver(secretOf("o/app", 0), "b"); got != http.StatusAccepted {
		t.Errorf("by its own secret it is answered %d", got)
	}
	if got := deliver(secret, "c"); got != http.StatusUnauthorized {
		t.Errorf("by the shared secret it is answered %d since", got)
	}
	entries, err := s.store.Entries.For(t.Context(), registry.Origin{Name: "o/app"})
	if err != nil || len(entries) != 2 || entries[1].Name != "o/app" || entries[1].Parent != pattern.ID {
		t.Errorf("the registry holds %+v, %v; want it below the pattern", entries, err)
	}
}

// TestOneRepositoryDoesNotUseUpTheTokensLimit: the token that asks for names also sends the
// statuses of all repositories.
func TestOneRepositoryDoesNotUseUpTheTokensLimit(t *testing.T) {
	s := newSite(t)
	s.letIn(t)
	asked := map[int64]int{}
	s.config.NameOf = func(_ context.Context, id int64) (string, error) {
		asked[id]++
		return fmt.Sprintf("school/group-%d", id), nil
	}
	for id, name := range map[int64]string{1: "school/group-a", 2: "school/group-b"} {
		if err := s.store.Entries.LearnID(t.Context(), name, id); err != nil {
			t.Fatal(err)
		}
	}
	claim := func(of, repo string, id int64) int {
		return s.signed(secretOf(of, 0),
			events.Push{Repo: repo, RepoID: id, SHA: strings.Repeat("a", 40)}.Payload()).code
	}
	for n := range 50 {
		code := claim("school/group-a", fmt.Sprintf("school/not-%d", n), 1)
		if want := http.StatusUnauthorized; n == 0 && code != want || n == 49 && code != http.StatusServiceUnavailable {
			t.Errorf("claim %d is answered %d", n, code)
		}
	}
	if asked[1] > confirmBurst {
		t.Errorf("GitHub was asked %d times for one repository", asked[1])
	}
	if got := claim("school/group-b", "school/group-2", 2); got != http.StatusAccepted {
		t.Errorf("control: another that was renamed is answered %d", got)
	}
}

// TestNameThatARenamedRepositoryHadIsNotOpenedByItsSecret: a group that renames its repository
// keeps its secret. It must not use the secret to fetch what another group creates under the old
// name.
func TestNameThatARenamedRepositoryHadIsNotOpenedByItsSecret(t *testing.T) {
	s := newSite(t)
	s.letIn(t)
	push := func(secret, repo string, id int64, n string) int {
		return s.signed(secret, events.Push{Repo: repo, RepoID: id, SHA: strings.Repeat(n, 40)}.Payload()).code
	}
	first := secretOf("course/lab-1", 0)
	if got := push(first, "course/lab-1", 1, "a"); got != http.StatusAccepted {
		t.Fatalf("control: before the renaming it is answered %d", got)
	}
	if err := s.store.Entries.LearnID(t.Context(), "course/lab-1", 1); err != nil {
		t.Fatal(err)
	}
	s.config.NameOf = func(context.Context, int64) (string, error) { return "course/lab-9", nil }
	if got := push(first, "course/lab-9", 1, "b"); got != http.StatusAccepted {
		t.Fatalf("control: the renamed is answered %d", got)
	}
	if got := push(first, "course/lab-1", 2, "c"); got != http.StatusUnauthorized {
		t.Errorf("by the other's secret the new one of the old name is answered %d", got)
	}
	e, err := s.store.Entries.Add(t.Context(), byTest, registry.Repository, "Course/Lab-1")
	if err != nil {
		t.Fatal(err)
	}
	if got := push(first, "course/lab-1", 2, "d"); got != http.StatusUnauthorized {
		t.Errorf("let in by itself, by the other's secret it is answered %d", got)
	}
	if got := push(secretOf(e.SecretName, e.Generation), "course/lab-1", 2, "e"); got != http.StatusAccepted {
		t.Errorf("by its own secret it is answered %d", got)
	}
	if got := push(first, "course/lab-9", 1, "f"); got != http.StatusAccepted {
		t.Errorf("the renamed is answered %d since", got)
	}
}

func TestPingIsNotedWhereItsSignatureHolds(t *testing.T) {
	s := newSite(t)
	s.letIn(t)
	ping := []byte(`{"zen":"x","hook_id":1,"repository":{"full_name":"course/lab-1","id":7}}`)
	heard := func() *registry.Entry {
		entries, err := s.store.Entries.For(t.Context(), registry.Origin{Name: "course/lab-1"})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name == "course/lab-1" {
				return &e
			}
		}
		return nil
	}
	s.deliver("ping", ping, func(r *http.Request) {
		r.Header.Set("X-Hub-Signature-256", events.Sign("wrong", ping))
	}).wantProblem(t, 401)
	if e := heard(); e != nil {
		t.Errorf("a ping with a wrong signature left %+v", e)
	}
	sign := func(r *http.Request) {
		r.Header.Set("X-Hub-Signature-256", events.Sign(secretOf("course/lab-1", 0), ping))
	}
	if a := s.deliver("ping", ping, sign); a.code != 200 {
		t.Fatalf("a ping is answered %d %s", a.code, a.body)
	}
	if e := heard(); e == nil || e.Kind != registry.Seen || e.DeliveryAt.IsZero() || e.Parent == 0 {
		t.Errorf("the ping is noted as %+v", e)
	}
	if s.count() != 0 {
		t.Errorf("a ping made %d builds", s.count())
	}
}

// TestWhoCannotSignIsNotToldWhatIsLetIn: the answer is the same to the byte, and helps in either
// case.
func TestWhoCannotSignIsNotToldWhatIsLetIn(t *testing.T) {
	s := newSite(t)
	s.letIn(t)
	if _, err := s.store.Entries.Rotate(t.Context(), byTest, "school/group-b", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Entries.LearnID(t.Context(), "school/group-a", 1); err != nil {
		t.Fatal(err)
	}
	s.config.NameOf = func(context.Context, int64) (string, error) { return "school/group-a", nil }
	push := func(secret, repo string, id int64) answer {
		return s.signed(secret, events.Push{Repo: repo, RepoID: id}.Payload())
	}
	if a := push(secretOf("school/group-a", 0), "school/group-a", 1); a.code != http.StatusAccepted {
		t.Fatalf("control: its own secret is answered %d %s", a.code, a.body)
	}
	told := func(a answer, repo string) string {
		a.header.Del("Date")
		return fmt.Sprint(a.code, a.header, strings.ReplaceAll(a.body, repo, "OWNER/NAME"))
	}
	want := told(push("guess", "nobody/nothing", 99), "nobody/nothing")
	if !strings.Contains(want, "vivarium repos add OWNER/NAME") ||
		!strings.Contains(want, "vivarium repos secret OWNER/NAME") {
		t.Errorf("it does not say what to do: %s", want)
	}
	for name, c := range map[string]struct {
		secret, repo string
		id           int64
	}{
		"let in by itself":                  {"guess", "school/group-a", 1},
		"let in, by its old secret too":     {"guess", "school/group-b", 2},
		"let in by a pattern":               {"guess", "course/lab-1", 3},
		"let in by the shared secret":       {"guess", "o/n", 4},
		"let in under its former name":      {"guess", "school/winners", 1},
		"beside the id of one's own":        {secretOf("school/group-a", 0), "rich/private", 1},
		"not let in, by the shared secret":  {secret, "rich/private", 5},
		"let in, signed by another's own":   {secretOf("school/group-a", 0), "school/group-b", 2},
		"not let in, signed by another own": {secretOf("school/group-a", 0), "rich/private", 6},
	} {
		if got := told(push(c.secret, c.repo, c.id), c.repo); got != want {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
	}
}

// TestAnUnknownRepositoryIsTriedAgainstAsManySecrets: otherwise the time would tell what is let in.
func TestAnUnknownRepositoryIsTriedAgainstAsManySecrets(t *testing.T) {
	s := newSite(t)
	s.letIn(t)
	if _, err := s.store.Entries.Rotate(t.Context(), byTest, "school/group-b", time.Hour); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, name := range []string{"school/group-a", "school/group-b", "course/lab-1", "o/n", "nobody/nothing",
		"nobody/else", ""} {
		grant, err := s.signers().Of(t.Context(), registry.Origin{Name: name})
		if err != nil || len(grant.Secrets) != registry.MostSecrets {
			t.Errorf("%s: %d secrets, %v; want %d", name, len(grant.Secrets), err, registry.MostSecrets)
		}
		for i, one := range grant.Secrets {
			if one == "" || seen[one] && i > 0 {
				t.Errorf("%s: its secret %d could be known: %q", name, i, one)
			}
			seen[one] = true
		}
	}
}

// TestAnOrganizationsPingUnderTheSharedSecretIsAnswered: such a ping names no repository. Before,
// its answer advised a command that accepts no owner.
func TestAnOrganizationsPingUnderTheSharedSecretIsAnswered(t *testing.T) {
	s := newSite(t)
	for owner, code := range map[string]int{"o": http.StatusOK, "O": http.StatusOK,
		"elsewhere": http.StatusUnauthorized} {
		body := []byte(`{"zen":"z","hook_id":1,"organization":{"login":"` + owner + `"}}`)
		a := s.deliver("ping", body)
		if a.code != code {
			t.Errorf("%s: answered %d %s, want %d", owner, a.code, a.body, code)
		}
		if code != http.StatusOK && !strings.Contains(a.body, "vivarium repos add 'elsewhere/*' --organization") {
			t.Errorf("%s: the answer advises what cannot be done: %s", owner, a.body)
		}
	}
}
