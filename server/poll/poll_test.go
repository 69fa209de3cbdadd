package poll

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/github"
	"vivarium/server/github/githubtest"
	"vivarium/server/registry"
	"vivarium/server/store"
	"vivarium/server/store/builds"
	"vivarium/server/store/people"
	"vivarium/server/store/queue"
	"vivarium/server/store/storetest"
	"vivarium/server/weigh"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var must = storetest.Must

// world is a GitHub, and a server that asks it.
type world struct {
	t      *testing.T
	github *githubtest.Server
	store  *store.Store
	poller *Poller
	log    strings.Builder
}

func newWorld(t *testing.T, names ...string) *world {
	t.Helper()
	g, err := githubtest.Start(githubtest.Options{Token: "ghp_poll"})
	must(t, err)
	t.Cleanup(func() { must(t, g.Close()) })
	s, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	w := &world{t: t, github: g, store: s}
	for _, name := range names {
		g.AddRepo(name)
		_, err := s.Entries.Add(t.Context(), people.Actor{Who: "test"}, registry.Repository, name)
		must(t, err)
	}
	w.start()
	return w
}

// start starts the poller anew, as a new server would.
func (w *world) start() {
	w.t.Helper()
	c, err := github.New(github.Config{APIURL: w.github.URL(), Tokens: pipeline.FixedToken("ghp_poll")})
	must(w.t, err)
	w.t.Cleanup(c.Close)
	w.poller = &Poller{
		Decide: weigh.Scale{FixedFor: w.store.Entries.FixedFor, Log: slog.New(slog.DiscardHandler)}.Of,
		Every:  time.Minute, Host: github.Branches{Client: c}, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Store: Rooms{w.store.Watched, w.store.Polls, w.store.Entries},
		Repositories: func(ctx context.Context) ([]registry.Named, error) {
			entries, err := w.store.Entries.List(ctx)
			return registry.Rules{Key: []byte("key"), Entries: entries}.Exact(time.Now()), err
		},
	}
}

func (w *world) round() { w.poller.Round(w.t.Context()) }

// built lists what was built as REPO BRANCH COMMIT, in the order in which it was queued.
func (w *world) built() (list []string) {
	w.t.Helper()
	all, err := w.store.Builds.List(w.t.Context(), builds.Query{Sight: builds.Sight{All: true}, Limit: 1000})
	must(w.t, err)
	for _, b := range slices.Backward(all) {
		list = append(list, fmt.Sprintf("%s %s %s", b.Repo.FullName, b.Ref.Short(), strings.TrimLeft(b.SHA, "0")))
	}
	return list
}

func (w *world) want(when string, want ...string) {
	w.t.Helper()
	if got := w.built(); !slices.Equal(got, want) {
		w.t.Errorf("%s:\ngot  %q\nwant %q", when, got, want)
	}
}

func sha(n int) string { return fmt.Sprintf("%040x", n) }

// TestPushesThatNobodyToldOfAreBuiltOnceAfterAStart: the server is away for 50 pushes of 10
// repositories, behind NAT. Some are forced, a branch is deleted, one is new.
func TestPushesThatNobodyToldOfAreBuiltOnceAfterAStart(t *testing.T) {
	var names []string
	for n := range 10 {
		names = append(names, fmt.Sprintf("octo/repo-%d", n))
	}
	w := newWorld(t, names...)
	var want []string
	for n, name := range names {
		w.github.Repo(name).SetRef("main", sha(0x100+n))
		w.github.Repo(name).SetRef("old", sha(0x200+n))
		want = append(want, fmt.Sprintf("%s main %x", name, 0x100+n))
	}
	w.round()
	w.want("at first sight only default branches are built", want...)
	for n := range 5 { // the server is away
		for i, name := range names {
			w.github.Repo(name).SetRef("main", sha(0x1000*(n+1)+i))
		}
	}
	w.github.Repo(names[3]).SetRef("main", sha(0x103)) // forced back to where it was: nothing to build
	w.github.Repo(names[4]).SetRef("old", sha(0x104))  // forced to what main was at: to be built on old, too
	w.github.Repo(names[5]).DeleteBranch("old")
	w.github.Repo(names[6]).SetRef("new", sha(0x77))
	w.github.Repo(names[7]).SetRef("twin", sha(0x107)) // a branch without commits of its own
	w.start()
	for i, name := range names {
		if i != 3 {
			want = append(want, fmt.Sprintf("%s main %x", name, 0x5000+i))
		}
		switch i {
		case 4:
			want = append(want, name+" old 104")
		case 6:
			want = append(want, name+" new 77")
		}
	}
	for range 3 {
		w.round()
		w.want("after the start", want...)
	}
	b, err := w.store.Builds.List(t.Context(), builds.Query{Sight: builds.Sight{All: true}, Limit: 1})
	must(t, err)
	if b[0].Trigger != pipeline.TriggerPoll || b[0].Author != "mona" || b[0].Message != "Add a test" {
		t.Errorf("a build says %+v", b[0])
	}
}

// TestADeliveryHasOneRoundToCome: where deliveries come, a fresh move is left to them.
func TestADeliveryHasOneRoundToCome(t *testing.T) {
	w := newWorld(t, "octo/hello")
	w.github.Repo("octo/hello").SetRef("main", sha(1))
	told := func(n int) {
		t.Helper()
		_, err := w.store.Queue.AcceptPush(t.Context(), queue.Push{
			GUID: sha(n), BodyHash: sha(n), Repo: pipeline.Repository{ID: 1000, FullName: "octo/hello", DefaultBranch: "main"},
			Ref: "refs/heads/main", SHA: sha(n), Author: "mona",
		})
		must(t, err)
	}
	told(1)
	w.round()
	w.github.Repo("octo/hello").SetRef("main", sha(2))
	w.round()
	w.want("before its delivery", "octo/hello main 1")
	told(2)
	w.round()
	w.want("after its delivery", "octo/hello main 1", "octo/hello main 2")
	w.github.Repo("octo/hello").SetRef("main", sha(3))
	w.round()
	w.round()
	w.want("whose delivery does not come", "octo/hello main 1", "octo/hello main 2", "octo/hello main 3")
}

// TestARepositoryThatCannotBeSeenHoldsUpNoOther, is told once, and is looked at again.
func TestARepositoryThatCannotBeSeenHoldsUpNoOther(t *testing.T) {
	w := newWorld(t, "octo/a", "octo/b")
	w.github.Repo("octo/a").Delete()
	w.github.Repo("octo/b").SetRef("main", sha(1))
	w.round()
	w.round()
	w.want("one of two is there", "octo/b main 1")
	if n := strings.Count(w.log.String(), "level=WARN"); n != 1 {
		t.Errorf("told %d times:\n%s", n, w.log.String())
	}
	w.github.AddRepo("octo/a")
	w.github.Repo("octo/a").SetRef("main", sha(2))
	w.round()
	w.want("both are", "octo/b main 1", "octo/a main 2")
}

// TestARoundEndsWhereGitHubWantsToBeLeftAlone: whoever goes on asking may be banned.
func TestARoundEndsWhereGitHubWantsToBeLeftAlone(t *testing.T) {
	w := newWorld(t, "octo/a", "octo/b", "octo/c")
	for code, fault := range map[string]githubtest.Fault{
		"a limit":      githubtest.SecondaryLimit(http.StatusForbidden, "1"),
		"a dead token": githubtest.Refuse(http.StatusUnauthorized, "Bad credentials"),
	} {
		before := len(w.github.Requests())
		w.github.Fail(fault)
		w.start()
		w.round()
		if n := len(w.github.Requests()) - before; n != 1 {
			t.Errorf("%s: asked %d times", code, n)
		}
	}
}

// TestWhatBecomesPrivateIsHiddenByALook, without a push and without a delivery.
func TestWhatBecomesPrivateIsHiddenByALook(t *testing.T) {
	w := newWorld(t, "octo/hello")
	w.github.Repo("octo/hello").SetRef("main", sha(1))
	w.round()
	public := builds.Query{Sight: builds.Sight{Public: true}}
	if list, err := w.store.Builds.List(t.Context(), public); err != nil || len(list) != 1 {
		t.Fatalf("control: %d public builds, %v", len(list), err)
	}
	w.github.Repo("octo/hello").SetPrivate(true)
	w.round()
	if list, err := w.store.Builds.List(t.Context(), public); err != nil || len(list) != 0 {
		t.Errorf("%d public builds, %v", len(list), err)
	}
}

// TestALookFollowsARenaming: what was known of the branches holds under the new name. Only GitHub's
// own id, learnt before, vouches for it.
func TestALookFollowsARenaming(t *testing.T) {
	w := newWorld(t, "octo/hello", "octo/stranger")
	w.github.Repo("octo/hello").SetRef("main", sha(1))
	w.github.Repo("octo/hello").SetRef("topic", sha(2))
	w.round()
	look, err := w.poller.Host.Look(t.Context(), "octo/hello", nil)
	must(t, err)
	must(t, w.store.Entries.LearnID(t.Context(), "octo/hello", look.Repo.ID))
	w.github.Repo("octo/hello").Rename("octo/bye")
	w.github.Repo("octo/stranger").Rename("octo/strange")
	w.github.Repo("octo/bye").SetRef("topic", sha(3))
	w.github.Repo("octo/strange").SetRef("main", sha(4))
	w.round()
	w.round()
	w.want("renamed", "octo/hello main 1", "octo/bye topic 3")
	if !strings.Contains(w.log.String(), errRenamed.Error()) {
		t.Errorf("the log does not say what to do:\n%s", w.log.String())
	}
}

// TestACommitThatAsksNotToBeBuiltIsNot, found by a look as told by a delivery: its build has ended.
func TestACommitThatAsksNotToBeBuiltIsNot(t *testing.T) {
	w := newWorld(t, "octo/hello")
	w.github.Repo("octo/hello").SetRef("main", sha(1))
	w.round()
	w.github.Repo("octo/hello").SetMessage("Write the manual\n\n[skip ci]")
	w.github.Repo("octo/hello").SetRef("main", sha(2))
	w.round()
	w.want("both are known", "octo/hello main 1", "octo/hello main 2")
	for id, want := range map[int64]pipeline.State{1: pipeline.Queued, 2: pipeline.Skipped} {
		if b, err := w.store.Builds.Get(t.Context(), id); err != nil || b.State != want {
			t.Errorf("build %d: %+v, %v; want it %s", id, b, err, want)
		}
	}
}

// TestAnArchivedRepositoryIsLeftAlone: nothing can be pushed to it, and no status be set.
func TestAnArchivedRepositoryIsLeftAlone(t *testing.T) {
	w := newWorld(t, "octo/hello")
	w.github.Repo("octo/hello").SetRef("main", sha(1))
	w.github.Repo("octo/hello").Archive()
	w.round()
	w.want("archived")
}

// stumbling fails to tell of commits until it is well.
type stumbling struct {
	Host
	well bool
}

func (s *stumbling) Commit(ctx context.Context, repo, sha string) (github.Commit, error) {
	if !s.well {
		return github.Commit{}, &github.APIError{Code: http.StatusBadGateway}
	}
	return s.Host.Commit(ctx, repo, sha)
}

// TestACommitThatCannotBeReadNowIsReadLater: its message might ask for no build.
func TestACommitThatCannotBeReadNowIsReadLater(t *testing.T) {
	w := newWorld(t, "octo/hello")
	w.github.Repo("octo/hello").SetRef("main", sha(1))
	host := &stumbling{Host: w.poller.Host}
	w.poller.Host = host
	w.round()
	w.want("while GitHub stumbles")
	host.well = true
	w.round()
	w.want("afterwards", "octo/hello main 1")
}
