package redelivery_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server"
	"vivarium/server/github"
	"vivarium/server/github/githubtest"
	"vivarium/server/github/githubtest/events"
	"vivarium/server/poll"
	"vivarium/server/redelivery"
	"vivarium/server/registry"
	"vivarium/server/store"
	"vivarium/server/store/builds"
	"vivarium/server/store/people"
	"vivarium/server/store/storetest"
	"vivarium/server/weigh"
)

var must = storetest.Must

const key = "the operator's key of the tests"

// world is a GitHub that delivers to a server, which may be away.
type world struct {
	t      *testing.T
	github *githubtest.Server
	client *github.Client
	store  *store.Store
	hook   string
	away   atomic.Bool // the server is
	later  time.Duration
	asker  *redelivery.Redeliverer
	poller *poll.Poller
	pushes int
	at     map[string]string // where each branch is, by REPO REF
}

func newWorld(t *testing.T, names ...string) *world {
	t.Helper()
	g, err := githubtest.Start(githubtest.Options{Token: "ghp_hooks"})
	must(t, err)
	t.Cleanup(func() { must(t, g.Close()) })
	s, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	w := &world{t: t, github: g, store: s, at: map[string]string{}}
	web, err := server.New(server.Config{
		ServerURL: "https://git.example", Key: key, Version: "test", Log: slog.New(slog.DiscardHandler),
		Ready: func(context.Context) error { return nil },
	}, s)
	must(t, err)
	h := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if w.away.Load() {
			panic(http.ErrAbortHandler)
		}
		web.Handler().ServeHTTP(out, r)
	}))
	t.Cleanup(h.Close)
	w.hook = h.URL + "/webhook"
	w.client, err = github.New(github.Config{APIURL: g.URL(), Tokens: pipeline.FixedToken("ghp_hooks")})
	must(t, err)
	t.Cleanup(w.client.Close)
	for _, name := range names {
		g.AddRepo(name)
		e, err := s.Entries.Add(t.Context(), people.Actor{Who: "test"}, registry.Repository, name)
		must(t, err)
		_, _, err = w.client.EnsureHook(t.Context(), name, w.hook, registry.Secret([]byte(key), e.SecretName, 0))
		must(t, err)
	}
	w.start()
	return w
}

// start starts what asks GitHub anew, as a new server would.
func (w *world) start() {
	named := func(ctx context.Context) ([]registry.Named, error) {
		list, err := w.store.Entries.List(ctx)
		return registry.Rules{Key: []byte(key), Entries: list}.Exact(time.Now()), err
	}
	all := func(ctx context.Context) ([]registry.Named, error) {
		list, err := w.store.Entries.List(ctx)
		rules := registry.Rules{Key: []byte(key), Entries: list}
		return append(rules.Exact(time.Now()), rules.Organizations()...), err
	}
	w.asker = &redelivery.Redeliverer{
		Host: github.Webhooks{Client: w.client}, Store: w.store.Watched, HookURL: w.hook, Repositories: all,
		Spend: func(context.Context, string) (time.Duration, error) { return 0, nil },
		Log:   slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Now().Add(w.later) },
	}
	w.poller = &poll.Poller{
		Decide: weigh.Scale{FixedFor: w.store.Entries.FixedFor, Log: slog.New(slog.DiscardHandler)}.Of,
		Host:   github.Branches{Client: w.client}, Log: slog.New(slog.DiscardHandler), Repositories: named,
		Store: poll.Rooms{Watched: w.store.Watched, Polls: w.store.Polls, Entries: w.store.Entries},
	}
}

// push pushes a new commit to a branch and gives what should be built.
func (w *world) push(repo, branch string, p events.Push) string {
	w.t.Helper()
	w.pushes++
	place := repo + " " + branch
	p.Repo, p.Ref = repo, "refs/heads/"+branch
	if p.SHA == "" {
		p.SHA = fmt.Sprintf("%040x", w.pushes)
	}
	p.Before, p.Created = w.at[place], w.at[place] == ""
	p.Message = fmt.Sprintf("Push %d", w.pushes)
	if p.Deleted {
		w.github.Repo(repo).DeleteBranch(branch)
	} else {
		w.at[place] = p.SHA
		w.github.Repo(repo).SetRef(branch, p.SHA)
	}
	w.github.Repo(repo).Send("push", p.Payload())
	return place + " " + strings.TrimLeft(p.SHA, "0")
}

// built counts what was built, as REPO BRANCH COMMIT.
func (w *world) built() map[string]int {
	w.t.Helper()
	all, err := w.store.Builds.List(w.t.Context(), builds.Query{Sight: builds.Sight{All: true}, Limit: 1000})
	must(w.t, err)
	count := map[string]int{}
	for _, b := range all {
		count[b.Repo.FullName+" "+b.Ref.Short()+" "+strings.TrimLeft(b.SHA, "0")]++
	}
	return count
}

// settle asks until a whole round finds nothing more to ask for.
func (w *world) settle() {
	w.t.Helper()
	for range 20 {
		before := w.asked()
		if !w.asker.Round(w.t.Context()) {
			w.t.Fatal("a round did not come to its end")
		}
		if w.asked() == before {
			return
		}
		storetest.Eventually(w.t, "what was asked for is delivered", w.github.Repo("").Delivered)
		w.later += 3 * time.Minute
	}
	w.t.Fatal("it asks and asks")
}

// asked counts what was asked for again.
func (w *world) asked() (n int) {
	for _, r := range w.github.Requests() {
		if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/attempts") {
			n++
		}
	}
	return n
}

// TestPushesWhileTheServerWasAwayAreBuiltOnceAfterItsStart: 50 pushes of 10 repositories, some
// forced, one branch deleted, one new; with looks at branches or without.
func TestPushesWhileTheServerWasAwayAreBuiltOnceAfterItsStart(t *testing.T) {
	for _, looks := range []bool{false, true} {
		t.Run(fmt.Sprintf("looks %t", looks), func(t *testing.T) {
			var names []string
			for n := range 10 {
				names = append(names, fmt.Sprintf("octo/repo-%d", n))
			}
			w := newWorld(t, names...)
			look := func() {
				if looks {
					w.poller.Round(t.Context())
				}
			}
			want := map[string]int{}
			for _, name := range names {
				want[w.push(name, "main", events.Push{})]++
				want[w.push(name, "old", events.Push{})]++
			}
			w.asker.Round(t.Context())
			look()
			if got := w.built(); !maps.Equal(got, want) || w.asked() != 0 {
				t.Fatalf("control: built %v, asked %d times", got, w.asked())
			}
			w.away.Store(true)
			for range 4 {
				for _, name := range names {
					want[w.push(name, "main", events.Push{})]++
				}
			}
			for _, name := range names[:7] {
				want[w.push(name, "main", events.Push{Forced: true})]++
			}
			want[w.push(names[7], "new", events.Push{})]++
			w.push(names[8], "old", events.Push{Deleted: true})
			want[w.push(names[9], "old", events.Push{Forced: true, SHA: w.at[names[9]+" main"]})]++
			w.away.Store(false)
			w.later = 10 * time.Minute
			w.start()
			look()
			w.settle()
			look()
			look()
			if got := w.built(); !maps.Equal(got, want) {
				t.Errorf("built %v,\nwant %v", got, want)
			}
			if n := w.asked(); n != 50 {
				t.Errorf("asked for %d deliveries, want 50", n)
			}
			for _, v := range w.verdicts() {
				if at := w.at[v.Push.Repo.FullName+" "+v.Branch()]; v.Push.SHA != at {
					t.Errorf("%s %s is judged by %s, and is at %s", v.Push.Repo.FullName, v.Branch(), v.Push.SHA, at)
				}
			}
		})
	}
}

func (w *world) verdicts() []builds.Verdict {
	w.t.Helper()
	list, err := w.store.Builds.Verdicts(w.t.Context(), builds.VerdictQuery{Sight: builds.Sight{All: true}})
	must(w.t, err)
	if len(list) < 20 {
		w.t.Errorf("control: %d verdicts", len(list))
	}
	return list
}

// TestWhatCameBeforeTheFirstStartIsNotAskedFor: a webhook may be older than the server.
func TestWhatCameBeforeTheFirstStartIsNotAskedFor(t *testing.T) {
	w := newWorld(t, "octo/hello")
	w.away.Store(true)
	w.push("octo/hello", "main", events.Push{})
	w.away.Store(false)
	w.later = time.Hour
	w.settle()
	if n := w.asked(); n != 0 {
		t.Errorf("asked %d times", n)
	}
	w.later = 0
	w.away.Store(true)
	must(t, w.store.Watched.DeliveriesUntil(t.Context(), "octo/hello", time.Now().Add(-time.Minute)))
	w.push("octo/hello", "main", events.Push{})
	w.away.Store(false)
	w.later = time.Hour
	w.settle()
	if n := w.asked(); n == 0 {
		t.Error("control: asked for nothing")
	}
}

// TestATokenThatMayNotReadHooksIsNoTrouble: it is found out again after a while.
func TestATokenThatMayNotReadHooksIsNoTrouble(t *testing.T) {
	w := newWorld(t, "octo/closed", "octo/open")
	w.github.Repo("octo/closed").RefuseHooks(githubtest.HookRefusal{Code: 403, Message: "Resource not accessible"})
	for range 3 {
		if !w.asker.Round(t.Context()) {
			t.Fatal("the round did not come to its end")
		}
	}
	var hooks []string
	for _, r := range w.github.Requests() {
		if r.Method == http.MethodGet && strings.Contains(r.Path, "/closed/hooks?") {
			hooks = append(hooks, r.Path)
		}
	}
	if len(hooks) != 2 { // one of them is the test's own, to make it
		t.Errorf("asked for %q", hooks)
	}
}

// TestAnOrganizationsHookIsAskedToo: its deliveries are of all its repositories.
func TestAnOrganizationsHookIsAskedToo(t *testing.T) {
	w := newWorld(t)
	e, err := w.store.Entries.Add(t.Context(), people.Actor{Who: "test"}, registry.Organization, "corp/*")
	must(t, err)
	w.github.Repo("corp").AddHook(w.hook, registry.Secret([]byte(key), e.SecretName, 0), "push")
	want := map[string]int{}
	for n := range 3 {
		w.github.AddRepo(fmt.Sprintf("corp/tool-%d", n))
		want[w.push(fmt.Sprintf("corp/tool-%d", n), "main", events.Push{})]++
	}
	w.settle()
	if got := w.built(); !maps.Equal(got, want) || w.asked() != 0 {
		t.Fatalf("control: built %v, asked %d times", got, w.asked())
	}
	w.away.Store(true)
	for n := range 3 {
		want[w.push(fmt.Sprintf("corp/tool-%d", n), "main", events.Push{})]++
	}
	w.away.Store(false)
	w.later = 10 * time.Minute
	w.settle()
	if got := w.built(); !maps.Equal(got, want) || w.asked() != 3 {
		t.Errorf("built %v, asked %d times, want %v", got, w.asked(), want)
	}
}

// TestTheBudgetHoldsBackWhatIsAskedFor, and it is asked for when there is room again.
func TestTheBudgetHoldsBackWhatIsAskedFor(t *testing.T) {
	w := newWorld(t, "octo/hello")
	w.push("octo/hello", "main", events.Push{})
	w.away.Store(true)
	for range 3 {
		w.push("octo/hello", "main", events.Push{})
	}
	w.away.Store(false)
	w.later = 10 * time.Minute
	left := 2
	w.asker.Spend = func(context.Context, string) (time.Duration, error) {
		if left--; left < 0 {
			return time.Minute, errors.New("held back")
		}
		return 0, nil
	}
	if w.asker.Round(t.Context()) || w.asked() != 2 {
		t.Errorf("asked for %d", w.asked())
	}
	storetest.Eventually(t, "what was asked for is delivered", w.github.Repo("").Delivered)
	left = 10
	w.settle()
	if got := slices.Collect(maps.Values(w.built())); w.asked() != 3 || len(got) != 4 {
		t.Errorf("asked for %d, built %v", w.asked(), got)
	}
}
