package notices

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/notify"
	"vivarium/server/store/builds"
	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var must = storetest.Must

var targets = []notify.Target{
	{Kind: notify.Slack, URL: "https://hooks.slack.example/x"},
	{Kind: notify.Email, Address: "team@example.org", Pattern: "octo/*"},
	{Kind: notify.Teams, URL: "https://teams.example/x", Pattern: "mona/*"},
}

// branch is a branch of a test, and those who are told of it.
type branch struct {
	t    *testing.T
	db   *database.DB
	n    *Notices
	now  time.Time
	last int
	told []string
	keys []string
	fail func() error
}

func newBranch(t *testing.T, db *database.DB) *branch {
	b := &branch{t: t, db: db, now: time.Now(), n: New(db, storetest.Log(t), targets)}
	db.Now = func() time.Time { return b.now }
	return b
}

func (b *branch) Send(_ context.Context, t notify.Target, m notify.Message, key string) error {
	b.keys = append(b.keys, key)
	if b.fail != nil {
		if err := b.fail(); err != nil {
			return err
		}
	}
	b.told = append(b.told, fmt.Sprintf("%s %s %d %s", t.Kind, m.Colour, m.Build, m.URL))
	return nil
}

// push makes the build of a new commit.
func (b *branch) push() builds.Row {
	b.t.Helper()
	b.last++
	r := builds.Row{
		Repo: "octo/hello", Ref: "refs/heads/main", SHA: fmt.Sprintf("%040x", b.last), Trigger: pipeline.TriggerPush,
		State: pipeline.Queued, PushedAt: database.Micros(b.now) + int64(b.last),
	}
	must(b.t, b.db.Transact(b.t.Context(), func(tx *database.Tx) error { return tx.Create(&r).Error }))
	return r
}

// end ends a build.
func (b *branch) end(r builds.Row, s pipeline.State) {
	b.t.Helper()
	r.State, r.EndedAt = s, database.Micros(b.now)
	must(b.t, b.db.Transact(b.t.Context(), func(tx *database.Tx) error {
		if err := tx.Save(&r).Error; err != nil {
			return err
		}
		return b.n.Keep(tx, r, pipeline.Outcome{})
	}))
}

// send sends what is due and gives who was told what.
func (b *branch) send() []string {
	b.t.Helper()
	b.told = nil
	must(b.t, b.n.Send(b.t.Context(), b, func(id int64) string { return fmt.Sprint("/logs/", id) }))
	return b.told
}

func (b *branch) want(what string, want ...string) {
	b.t.Helper()
	if got := b.send(); !slices.Equal(got, want) {
		b.t.Errorf("%s: told %q, want %q", what, got, want)
	}
}

func TestThoseWhoAskedForItAreToldThatABranchTurned(t *testing.T) {
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		b := newBranch(t, open())
		b.end(b.push(), pipeline.Passed)
		b.want("it begins green")
		b.end(b.push(), pipeline.Failed)
		b.want("it turns red", "slack red 2 /logs/2", "mailto red 2 /logs/2")
		b.want("told once")
		b.end(b.push(), pipeline.Errored)
		b.end(b.push(), pipeline.Canceled)
		b.want("it stays red")
		rerun := b.push()
		b.end(rerun, pipeline.Failed)
		rerun.ID, rerun.Trigger = 0, pipeline.TriggerRerun
		must(t, b.db.Transact(t.Context(), func(tx *database.Tx) error { return tx.Create(&rerun).Error }))
		b.end(rerun, pipeline.Passed)
		b.want("a rerun turns it green", "slack green 6 /logs/6", "mailto green 6 /logs/6")
	})
}

// TestAnOlderPushSaysNothingOfItsBranch: its build may end last.
func TestAnOlderPushSaysNothingOfItsBranch(t *testing.T) {
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		b := newBranch(t, open())
		older, newer := b.push(), b.push()
		b.end(newer, pipeline.Passed)
		b.end(older, pipeline.Failed)
		b.want("the older one failed")
		b.end(b.push(), pipeline.Failed)
		b.want("control: the newest failed", "slack red 3 /logs/3", "mailto red 3 /logs/3")
	})
}

// TestABranchThatWasRedBeforeIsNotToldAnew: the first server that tells people knows its builds.
func TestABranchThatWasRedBeforeIsNotToldAnew(t *testing.T) {
	b := newBranch(t, databasetest.SQLite(t))
	b.n.targets = nil
	b.end(b.push(), pipeline.Failed)
	b.n.targets = targets[:1]
	b.end(b.push(), pipeline.Failed)
	b.want("still red")
	b.end(b.push(), pipeline.Passed)
	b.want("green", "slack green 3 /logs/3")
}

func TestPullRequestsAndTagsTellNobody(t *testing.T) {
	b := newBranch(t, databasetest.SQLite(t))
	for _, ref := range []pipeline.Ref{"refs/pull/7/head", "refs/tags/v1"} {
		r := b.push()
		r.Ref = ref
		b.end(r, pipeline.Failed)
	}
	b.want("neither")
}

// TestAMessageIsTriedAgainUntilItIsThere, under the same key, with pauses that grow, and for a day.
func TestAMessageIsTriedAgainUntilItIsThere(t *testing.T) {
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		b := newBranch(t, open())
		b.n.targets = targets[:1]
		b.fail = func() error { return &notify.LaterError{Why: "it answered 503", At: b.now.Add(15 * time.Minute)} }
		b.end(b.push(), pipeline.Failed)
		b.want("it answers 503")
		b.now = b.now.Add(14 * time.Minute)
		b.fail = nil
		b.want("before the time that it named")
		if trouble, err := b.n.Trouble(t.Context()); err != nil || trouble["slack"] != "it answered 503" {
			t.Errorf("trouble %v, %v", trouble, err)
		}
		b.now = b.now.Add(2 * time.Minute)
		b.want("after it", "slack red 1 /logs/1")
		if len(b.keys) != 2 || b.keys[0] != b.keys[1] {
			t.Errorf("keys %q", b.keys)
		}
		if trouble, err := b.n.Trouble(t.Context()); err != nil || len(trouble) != 0 {
			t.Errorf("afterwards: trouble %v, %v", trouble, err)
		}
		b.keys, b.fail = nil, func() error { return &notify.LaterError{Why: "no answer"} }
		b.end(b.push(), pipeline.Passed)
		for range 24*60 + 120 {
			b.send()
			b.now = b.now.Add(time.Minute)
		}
		if n := len(b.keys); n < 25 || n > 40 {
			t.Errorf("tried %d times within a day", n)
		}
	})
}

func TestWhatATargetRefusesIsGivenUp(t *testing.T) {
	b := newBranch(t, databasetest.SQLite(t))
	b.fail = func() error { return &notify.RefusedError{Why: "it answered 404"} }
	b.end(b.push(), pipeline.Failed)
	b.send()
	b.now = b.now.Add(24 * time.Hour)
	b.send()
	if len(b.keys) != 2 { // one for each of two targets
		t.Errorf("tried %d times", len(b.keys))
	}
	b.n.targets, b.fail = nil, nil
	b.n.targets = targets[:1]
	b.end(b.push(), pipeline.Passed)
	b.n.targets = targets[1:2]
	b.want("its target was taken out")
	if trouble, err := b.n.Trouble(t.Context()); err != nil || !strings.Contains(trouble["slack"], "VIVARIUM_NOTIFY") {
		t.Errorf("trouble %v, %v", trouble, err)
	}
}

// TestTwoServersTellPeopleOnce: each looks for what is due.
func TestTwoServersTellPeopleOnce(t *testing.T) {
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		b := newBranch(t, open())
		b.n.targets = targets[:1]
		b.end(b.push(), pipeline.Failed)
		other := New(b.db, storetest.Log(t), targets[:1])
		b.fail = func() error { // the other one looks while this one sends
			b.fail = nil
			return other.Send(t.Context(), b, func(int64) string { return "" })
		}
		b.want("at once", "slack red 1 /logs/1")
	})
}
