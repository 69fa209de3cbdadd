package server

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // another program, which locks the database

	"vivarium/server/github/githubtest/events"
	"vivarium/server/servertest"
	"vivarium/server/store/database/trouble"
)

// checkOf is what a readiness answer says about one condition.
func checkOf(t *testing.T, a answer, name string) map[string]any {
	t.Helper()
	all, _ := a.json(t)["checks"].([]any)
	for _, c := range all {
		if c, _ := c.(map[string]any); c["name"] == name {
			return c
		}
	}
	t.Fatalf("there is no check %q in %s", name, a.body)
	return nil
}

// wantUnavailable checks that an answer says what is wrong and when to come again.
func (a answer) wantUnavailable(t *testing.T, what string) {
	t.Helper()
	if a.code != http.StatusServiceUnavailable || !strings.Contains(a.body, what) || a.header.Get("Retry-After") == "" {
		t.Errorf("answered %d %s, Retry-After %q; want 503, %q and when to come again",
			a.code, a.body, a.header.Get("Retry-After"), what)
	}
}

// TestFullDiskIsAnswered503AndHealsByItself: a real full disk. Webhook, pages and /readyz say so,
// and all works once there is room.
func TestFullDiskIsAnswered503AndHealsByItself(t *testing.T) {
	servertest.OnSmallDisk(t, 64<<20, func(dir string) {
		s := newSiteIn(t, dir)
		token := s.token("o/*")
		payload := func(n string) []byte { return events.Push{Repo: "o/n", SHA: strings.Repeat(n, 40)}.Payload() }
		if a := s.deliver("push", payload("a")); a.code != http.StatusAccepted {
			t.Fatalf("control: answered %d %s", a.code, a.body)
		}
		if a := s.get("/readyz"); a.code != http.StatusOK {
			t.Fatalf("control: answered %d %s", a.code, a.body)
		}
		makeRoom := servertest.Fill(t, dir)
		const full = "the disk of the database is full"
		a := s.deliver("push", payload("b"))
		a.wantProblem(t, http.StatusServiceUnavailable)
		a.wantUnavailable(t, full)
		s.signIn(token, "/", browser).wantUnavailable(t, full)
		if a := s.get("/logs/1"); a.code != http.StatusOK {
			t.Errorf("what is stored is answered %d %s", a.code, a.body)
		}
		for _, check := range []string{"writing", "disk"} {
			a := s.get("/readyz")
			c := checkOf(t, a, check)
			since, _ := c["since"].(float64)
			if a.code != http.StatusServiceUnavailable || c["ok"] != false ||
				time.Since(time.Unix(int64(since), 0)) > time.Minute {
				t.Errorf("/readyz answers %d, %s: %v", a.code, check, c)
			}
			if strings.Contains(a.body, dir) {
				t.Errorf("a stranger is told of %s: %s", dir, a.body)
			}
			if c := checkOf(t, s.get("/readyz", local), check); !strings.Contains(fmt.Sprint(c["message"]),
				"make room in "+dir) && check == "writing" {
				t.Errorf("this machine is told %v, want where to make room", c)
			}
		}
		makeRoom()
		if a := s.deliver("push", payload("b")); a.code != http.StatusAccepted || s.count() != 2 {
			t.Errorf("with room again: answered %d %s, %d builds; want 202 and 2", a.code, a.body, s.count())
		}
		if a := s.get("/readyz"); a.code != http.StatusOK || checkOf(t, a, "writing")["since"] != nil {
			t.Errorf("with room again: /readyz answers %d %s", a.code, a.body)
		}
	})
}

// TestLockedDatabaseIsAnswered503: another program holds the write lock for longer than SQLite
// waits.
func TestLockedDatabaseIsAnswered503(t *testing.T) {
	dir := t.TempDir()
	s := newSiteIn(t, dir)
	s.push("o/n", false)
	other, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "vivarium.db")+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ready := s.get("/readyz") // the lock holds from now on; a request gives up after 10 s
	if c := checkOf(t, ready, "writing"); ready.code != http.StatusServiceUnavailable || c["ok"] != false {
		t.Errorf("/readyz answers %d %v", ready.code, c)
	}
	push := events.Push{Repo: "o/n", SHA: strings.Repeat("b", 40)}.Payload()
	s.deliver("push", push).wantUnavailable(t, "the database is locked by another program")
	if a := s.get("/logs/1"); a.code != http.StatusOK {
		t.Errorf("what is stored is answered %d", a.code)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if a := s.deliver("push", push); a.code != http.StatusAccepted {
		t.Errorf("once it is free: answered %d %s", a.code, a.body)
	}
	if a := s.get("/readyz"); a.code != http.StatusOK {
		t.Errorf("once it is free: /readyz answers %d %s", a.code, a.body)
	}
}

// TestTroubleOfTheDatabaseIsSaidWithoutItsPlace: for every kind, as JSON and as a page.
func TestTroubleOfTheDatabaseIsSaidWithoutItsPlace(t *testing.T) {
	s := newSite(t)
	for _, kind := range []error{trouble.ErrDiskFull, trouble.ErrDiskFails, trouble.ErrLocked, trouble.ErrUnwritable,
		trouble.ErrAway} {
		met := fmt.Errorf("read build 1: %w",
			&trouble.Error{Kind: kind, Detail: "dial tcp 10.0.0.7:5432", Err: errors.New("postgres://u:pw@db/")})
		for _, as := range []func(*http.Request){func(*http.Request) {}, browser} {
			r := httptest.NewRequest(http.MethodGet, "/logs/1", nil)
			as(r)
			w := httptest.NewRecorder()
			c := s.echo.NewContext(r, w)
			s.answerError(met, c)
			a := answer{code: w.Code, body: w.Body.String(), header: w.Header()}
			a.wantUnavailable(t, kind.Error())
			if strings.Contains(a.body, "10.0.0.7") || strings.Contains(a.body, "pw@") {
				t.Errorf("a stranger is told %s", a.body)
			}
		}
	}
}

// TestReadyzNamesEachConditionAndSinceWhen: for a condition that knows since when, and for one that
// does not.
func TestReadyzNamesEachConditionAndSinceWhen(t *testing.T) {
	var engine *Trouble
	s := newSite(t, func(c *Config) {
		c.Conditions = []Condition{{Name: "engine", Look: func(context.Context) *Trouble { return engine }}}
	})
	if c := checkOf(t, s.get("/readyz"), "engine"); c["ok"] != true || c["since"] != nil {
		t.Errorf("control: %v", c)
	}
	long := time.Now().Add(-time.Hour)
	engine = &Trouble{Err: errors.New("unix:///run/docker.sock does not answer"), Since: long}
	a := s.get("/readyz", local)
	c := checkOf(t, a, "engine")
	if a.code != 503 || a.json(t)["message"] != "not ready: engine" || c["since"] != float64(long.Unix()) ||
		!strings.Contains(fmt.Sprint(c["message"]), "docker.sock") {
		t.Errorf("answered %d %s", a.code, a.body)
	}
	if a := s.get("/readyz"); strings.Contains(a.body, "docker.sock") ||
		checkOf(t, a, "engine")["since"] != float64(long.Unix()) {
		t.Errorf("a stranger is answered %s", a.body)
	}
	engine = &Trouble{Err: errors.New("it is away")}
	first := checkOf(t, s.get("/readyz"), "engine")["since"]
	if again := checkOf(t, s.get("/readyz"), "engine")["since"]; first == nil || again != first {
		t.Errorf("since %v, then since %v", first, again)
	}
}
