package outbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vivarium/pipeline"
	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/outbox/budget"
	"vivarium/server/store/storetest"
)

// commit is the SHA of a test's nth commit.
func commit(n int) string { return fmt.Sprintf("%040x", n) }

// TestWhatWasSentCountsForTheNextServer: a restart does not begin a new hour. An end that is held
// back says why, and goes when the hour has room.
func TestWhatWasSentCountsForTheNextServer(t *testing.T) {
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		db, h := open(), &host{}
		now := time.Now()
		db.Now = func() time.Time { return now }
		server := func() *Sender {
			return New(db).NewSender(Settings{
				Log: storetest.Log(t), Reporter: h, StatusContext: "vivarium", Budget: budget.Limits{Minute: 100, Hour: 2},
			})
		}
		for n := range 3 {
			tell(t, db, build(t, db, commit(n+1), main), pipeline.Passed)
			work(t, server(), int64(n+1))
		}
		used, err := New(db).Used(t.Context())
		if want := map[string]budget.Use{"": {Minute: 2, Hour: 2}}; err != nil || !maps.Equal(used, want) {
			t.Errorf("used %v, %v; want %v", used, err, want)
		}
		list, err := New(db).Statuses(t.Context(), 3)
		must(t, err)
		if len(h.posts) != 2 || !strings.Contains(list[0].LastError, "2 requests") || list[0].Attempts != 0 {
			t.Errorf("posted %v; the third says %+v", h.states(), list[0])
		}
		now = now.Add(time.Hour + time.Minute)
		work(t, server(), 3)
		if len(h.posts) != 3 {
			t.Errorf("an hour later: posted %v", h.states())
		}
	})
}

// TestEachAccountHasABudgetOfItsOwn: one installation's busy hour holds up no other's statuses.
func TestEachAccountHasABudgetOfItsOwn(t *testing.T) {
	db, h := databasetest.SQLite(t), &host{}
	s := New(db).NewSender(Settings{
		Log: storetest.Log(t), Reporter: h, StatusContext: "vivarium", Budget: budget.Limits{Minute: 1, Hour: 1},
		Account: func(repo string) string { return strings.Split(repo, "/")[0] },
	})
	for n, repo := range []string{"octo/hello", "octo/hello", "mona/hello"} {
		b := build(t, db, commit(n+1), main)
		b.Repo = repo
		tell(t, db, b, pipeline.Passed)
		work(t, s, int64(n+1))
	}
	var got []string
	for _, st := range h.posts {
		got = append(got, st.Repo)
	}
	if want := []string{"octo/hello", "mona/hello"}; !slices.Equal(got, want) {
		t.Errorf("posted for %v, want %v", got, want)
	}
}

// TestABeginningThatIsHeldBackSaysNothingOfTrouble: it is left out by design, and its end goes
// alone.
func TestABeginningThatIsHeldBackSaysNothingOfTrouble(t *testing.T) {
	db, h := databasetest.SQLite(t), &host{}
	s := New(db).NewSender(Settings{
		Log: storetest.Log(t), Reporter: h, StatusContext: "vivarium", Budget: budget.Limits{Minute: 2, Hour: 2},
	})
	for n := range 2 {
		b := build(t, db, commit(n+1), main)
		tell(t, db, b, pipeline.Queued)
		work(t, s, int64(n+1))
	}
	list, err := New(db).Statuses(t.Context(), 2)
	must(t, err)
	if !slices.Equal(h.states(), []string{"pending"}) || list[0].LastError != "" || list[0].Superseded {
		t.Errorf("posted %v; the second says %+v", h.states(), list[0])
	}
	b := build(t, db, commit(3), main)
	b.ID, b.SHA = 2, commit(2)
	tell(t, db, b, pipeline.Passed)
	work(t, s, 2)
	if !slices.Equal(h.states(), []string{"pending", "success"}) {
		t.Errorf("posted %v", h.states())
	}
}

// TestOneRequestOfAnAccountAtATime: GitHub asks for requests one after the other.
func TestOneRequestOfAnAccountAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lanes
		var mu sync.Mutex
		underWay, most, ended := map[string]int{}, map[string]int{}, 0
		for n := range 6 {
			go func() {
				account := []string{"octo", "mona"}[n%2]
				leave, err := l.enter(t.Context(), account)
				if err != nil {
					t.Error(err)
					return
				}
				defer leave()
				mu.Lock()
				underWay[account]++
				most[account], most["both"] = max(most[account], underWay[account]), max(most["both"],
					underWay["octo"]+underWay["mona"])
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				underWay[account]--
				ended++
				mu.Unlock()
			}()
		}
		time.Sleep(time.Minute)
		if want := map[string]int{"octo": 1, "mona": 1, "both": 2}; !maps.Equal(most, want) || ended != 6 {
			t.Errorf("at a time %v, want %v; %d ended", most, want, ended)
		}
		leave, err := l.enter(t.Context(), "octo")
		must(t, err)
		defer leave()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := l.enter(ctx, "octo"); err == nil {
			t.Error("entered a lane that is taken")
		}
	})
}
