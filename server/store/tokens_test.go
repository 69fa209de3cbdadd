package store

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vivarium/server/store/database"
)

var byTest = Actor{Who: "a test"}

// sees reports what a token's text opens now.
func sees(t *testing.T, s *Store, text string) (Token, bool) {
	t.Helper()
	k, err := s.TokenOf(t.Context(), text)
	if err != nil && !errors.Is(err, database.ErrNotFound) {
		t.Fatal(err)
	}
	return k, err == nil
}

func TestOperatorTokenIsShownOnceAndRenewed(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		first, err := s.FirstOperatorToken(t.Context(), byTest)
		if err != nil || !strings.HasPrefix(first, tokenPrefix) {
			t.Fatalf("the first is %q, %v", first, err)
		}
		if again, err := s.FirstOperatorToken(t.Context(), byTest); again != "" || err != nil {
			t.Errorf("shown a second time: %q, %v", again, err)
		}
		if k, ok := sees(t, s, first); !ok || !k.Operator() {
			t.Errorf("it opens %+v, %v", k, ok)
		}
		session, _, err := s.SignIn(t.Context(), "192.0.2.1", first)
		if err != nil {
			t.Fatal(err)
		}
		renewed, err := s.RenewOperatorToken(t.Context(), byTest)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := sees(t, s, first); ok {
			t.Error("the old token still opens")
		}
		if _, err := s.Session(t.Context(), session); !errors.Is(err, database.ErrNotFound) {
			t.Errorf("who signed in by the old one still is: %v", err)
		}
		if k, ok := sees(t, s, renewed); !ok || !k.Operator() {
			t.Errorf("the new one opens %+v, %v", k, ok)
		}
	})
}

func TestTokenTextsAreNotKept(t *testing.T) {
	s := sqliteStore(t)
	text, err := s.AddToken(t.Context(), byTest, "octo/hello")
	if err != nil {
		t.Fatal(err)
	}
	session, _, err := s.SignIn(t.Context(), "", text)
	if err != nil {
		t.Fatal(err)
	}
	var tokens, sessions string
	s.db.Read(t.Context()).Raw("SELECT group_concat(hash || pattern) FROM tokens").Scan(&tokens)
	s.db.Read(t.Context()).Raw("SELECT group_concat(hash) FROM sessions").Scan(&sessions)
	if !strings.Contains(tokens, hashSecret(text)) || !strings.Contains(sessions, hashSecret(session)) {
		t.Fatalf("the search does not find the hashes: %q, %q", tokens, sessions)
	}
	if strings.Contains(tokens, text) || strings.Contains(sessions, session) {
		t.Error("a secret is in the database as it is")
	}
}

// TestATokenOpensWhileItsUseCannotBeNoted: a purge in another process writes the whole file anew, which takes its time.
func TestATokenOpensWhileItsUseCannotBeNoted(t *testing.T) {
	s := sqliteStore(t)
	text, err := s.AddToken(t.Context(), byTest, "octo/hello")
	must(t, err)
	other, err := sql.Open("sqlite", "file:"+filepath.Join(s.db.Dir, "vivarium.db")+"?_txlock=immediate")
	must(t, err)
	defer other.Close()
	busy, err := other.BeginTx(t.Context(), nil)
	must(t, err)
	started := time.Now()
	if k, err := s.TokenOf(t.Context(), text); err != nil || k.Pattern != "octo/hello" {
		t.Errorf("got %+v, %v", k, err)
	}
	t.Logf("it took %s", time.Since(started))
	must(t, busy.Rollback())
	if k, err := s.TokenOf(t.Context(), text); err != nil || !k.UsedAt.IsZero() {
		t.Errorf("got %+v, %v; want it not noted before", k, err)
	}
	if k, err := s.TokenOf(t.Context(), text); err != nil || k.UsedAt.IsZero() {
		t.Errorf("got %+v, %v; want the use noted", k, err)
	}
}

func TestSessionEndsBySignOutExpiryAndRemoval(t *testing.T) {
	everyDatabase(t, func(t *testing.T, open func() *Store) {
		s := open()
		now := time.Now()
		s.db.Now = func() time.Time { return now }
		text, err := s.AddToken(t.Context(), byTest, "octo/hello")
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := s.Tokens(t.Context())
		if err != nil || len(tokens) != 1 {
			t.Fatalf("tokens: %v, %v", tokens, err)
		}
		for name, end := range map[string]func(session string) error{
			"sign-out": func(session string) error { return s.SignOut(t.Context(), session) },
			"expiry":   func(string) error { now = now.Add(SessionLife); return nil },
		} {
			endsSession(t, s, name, text, end)
		}
		endsSession(t, s, "removal", text, func(string) error { return s.RemoveToken(t.Context(), byTest, tokens[0].ID) })
		if _, _, err := s.SignIn(t.Context(), "", text); !errors.Is(err, database.ErrNotFound) {
			t.Errorf("a removed token signs in: %v", err)
		}
		if err := s.RemoveToken(t.Context(), byTest, tokens[0].ID); !errors.Is(err, database.ErrNotFound) {
			t.Errorf("removed a second time: %v", err)
		}
	})
}

func endsSession(t *testing.T, s *Store, name, text string, end func(session string) error) {
	t.Helper()
	session, k, err := s.SignIn(t.Context(), "192.0.2.1", text)
	if err != nil || k.Pattern != "octo/hello" {
		t.Fatalf("sign in: %+v, %v", k, err)
	}
	if other, _, err := s.SignIn(t.Context(), "192.0.2.1", text); err != nil || other == session {
		t.Fatalf("two sessions are one: %v", err)
	}
	if k, err := s.Session(t.Context(), session); err != nil || k.Pattern != "octo/hello" {
		t.Fatalf("before %s: %+v, %v", name, k, err)
	}
	if err := end(session); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Session(t.Context(), session); !errors.Is(err, database.ErrNotFound) {
		t.Errorf("after %s: %v", name, err)
	}
}

func TestEveryTokenStandsInTheAudit(t *testing.T) {
	s := sqliteStore(t)
	text, err := s.AddToken(t.Context(), byTest, "octo/hello")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.SignIn(t.Context(), "192.0.2.1", text); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveToken(t.Context(), byTest, 1); err != nil {
		t.Fatal(err)
	}
	changes, err := s.Audit(t.Context(), 10)
	if err != nil || len(changes) != 3 {
		t.Fatalf("audit: %v, %v", changes, err)
	}
	if c := changes[1]; c.From != "192.0.2.1" || c.Who != "token 1" || c.Of != "octo/hello" {
		t.Errorf("the sign-in is %+v", c)
	}
}
