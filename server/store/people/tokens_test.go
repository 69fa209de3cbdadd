package people

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vivarium/server/store/database"
	"vivarium/server/store/database/databasetest"
	"vivarium/server/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var byTest = Actor{Who: "a test"}

// sees reports what a token's text opens now.
func sees(t *testing.T, p *People, text string) (Token, bool) {
	t.Helper()
	k, err := p.TokenOf(t.Context(), text)
	if err != nil && !errors.Is(err, database.ErrNotFound) {
		t.Fatal(err)
	}
	return k, err == nil
}

func TestOperatorTokenIsShownOnceAndRenewed(t *testing.T) {
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		p := New(open(), storetest.Log(t))
		first, err := p.FirstOperatorToken(t.Context(), byTest)
		if err != nil || !strings.HasPrefix(first, tokenPrefix) {
			t.Fatalf("the first is %q, %v", first, err)
		}
		if again, err := p.FirstOperatorToken(t.Context(), byTest); again != "" || err != nil {
			t.Errorf("shown a second time: %q, %v", again, err)
		}
		if k, ok := sees(t, p, first); !ok || !k.Operator() {
			t.Errorf("it opens %+v, %v", k, ok)
		}
		session, _, err := p.SignIn(t.Context(), "192.0.2.1", first)
		if err != nil {
			t.Fatal(err)
		}
		renewed, err := p.RenewOperatorToken(t.Context(), byTest)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := sees(t, p, first); ok {
			t.Error("the old token still opens")
		}
		if _, err := p.Session(t.Context(), session); !errors.Is(err, database.ErrNotFound) {
			t.Errorf("who signed in by the old one still is: %v", err)
		}
		if k, ok := sees(t, p, renewed); !ok || !k.Operator() {
			t.Errorf("the new one opens %+v, %v", k, ok)
		}
	})
}

func TestTokenTextsAreNotKept(t *testing.T) {
	p := New(databasetest.SQLite(t), storetest.Log(t))
	text, err := p.AddToken(t.Context(), byTest, "octo/hello")
	if err != nil {
		t.Fatal(err)
	}
	session, _, err := p.SignIn(t.Context(), "", text)
	if err != nil {
		t.Fatal(err)
	}
	var tokens, sessions string
	p.db.Read(t.Context()).Raw("SELECT group_concat(hash || pattern) FROM tokens").Scan(&tokens)
	p.db.Read(t.Context()).Raw("SELECT group_concat(hash) FROM sessions").Scan(&sessions)
	if !strings.Contains(tokens, hashSecret(text)) || !strings.Contains(sessions, hashSecret(session)) {
		t.Fatalf("the search does not find the hashes: %q, %q", tokens, sessions)
	}
	if strings.Contains(tokens, text) || strings.Contains(sessions, session) {
		t.Error("a secret is in the database as it is")
	}
}

// TestATokenOpensWhileItsUseCannotBeNoted: a purge in another process writes the whole file anew, which takes its time.
func TestATokenOpensWhileItsUseCannotBeNoted(t *testing.T) {
	p := New(databasetest.SQLite(t), storetest.Log(t))
	text, err := p.AddToken(t.Context(), byTest, "octo/hello")
	storetest.Must(t, err)
	other, err := sql.Open("sqlite", "file:"+filepath.Join(p.db.Dir, "vivarium.db")+"?_txlock=immediate")
	storetest.Must(t, err)
	defer other.Close()
	busy, err := other.BeginTx(t.Context(), nil)
	storetest.Must(t, err)
	started := time.Now()
	if k, err := p.TokenOf(t.Context(), text); err != nil || k.Pattern != "octo/hello" {
		t.Errorf("got %+v, %v", k, err)
	}
	t.Logf("it took %s", time.Since(started))
	storetest.Must(t, busy.Rollback())
	if k, err := p.TokenOf(t.Context(), text); err != nil || !k.UsedAt.IsZero() {
		t.Errorf("got %+v, %v; want it not noted before", k, err)
	}
	if k, err := p.TokenOf(t.Context(), text); err != nil || k.UsedAt.IsZero() {
		t.Errorf("got %+v, %v; want the use noted", k, err)
	}
}

func TestSessionEndsBySignOutExpiryAndRemoval(t *testing.T) {
	databasetest.Every(t, func(t *testing.T, open func() *database.DB) {
		p := New(open(), storetest.Log(t))
		now := time.Now()
		p.db.Now = func() time.Time { return now }
		text, err := p.AddToken(t.Context(), byTest, "octo/hello")
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := p.Tokens(t.Context())
		if err != nil || len(tokens) != 1 {
			t.Fatalf("tokens: %v, %v", tokens, err)
		}
		for name, end := range map[string]func(session string) error{
			"sign-out": func(session string) error { return p.SignOut(t.Context(), session) },
			"expiry":   func(string) error { now = now.Add(SessionLife); return nil },
		} {
			endsSession(t, p, name, text, end)
		}
		endsSession(t, p, "removal", text, func(string) error { return p.RemoveToken(t.Context(), byTest, tokens[0].ID) })
		if _, _, err := p.SignIn(t.Context(), "", text); !errors.Is(err, database.ErrNotFound) {
			t.Errorf("a removed token signs in: %v", err)
		}
		if err := p.RemoveToken(t.Context(), byTest, tokens[0].ID); !errors.Is(err, database.ErrNotFound) {
			t.Errorf("removed a second time: %v", err)
		}
	})
}

func endsSession(t *testing.T, p *People, name, text string, end func(session string) error) {
	t.Helper()
	session, k, err := p.SignIn(t.Context(), "192.0.2.1", text)
	if err != nil || k.Pattern != "octo/hello" {
		t.Fatalf("sign in: %+v, %v", k, err)
	}
	if other, _, err := p.SignIn(t.Context(), "192.0.2.1", text); err != nil || other == session {
		t.Fatalf("two sessions are one: %v", err)
	}
	if k, err := p.Session(t.Context(), session); err != nil || k.Pattern != "octo/hello" {
		t.Fatalf("before %s: %+v, %v", name, k, err)
	}
	if err := end(session); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Session(t.Context(), session); !errors.Is(err, database.ErrNotFound) {
		t.Errorf("after %s: %v", name, err)
	}
}

func TestEveryTokenStandsInTheAudit(t *testing.T) {
	p := New(databasetest.SQLite(t), storetest.Log(t))
	text, err := p.AddToken(t.Context(), byTest, "octo/hello")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.SignIn(t.Context(), "192.0.2.1", text); err != nil {
		t.Fatal(err)
	}
	if err := p.RemoveToken(t.Context(), byTest, 1); err != nil {
		t.Fatal(err)
	}
	changes, err := p.Audit(t.Context(), 10)
	if err != nil || len(changes) != 3 {
		t.Fatalf("audit: %v, %v", changes, err)
	}
	if c := changes[1]; c.From != "192.0.2.1" || c.Who != "token 1" || c.Of != "octo/hello" {
		t.Errorf("the sign-in is %+v", c)
	}
}
