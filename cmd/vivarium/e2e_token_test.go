package main

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/cmd/internal/harness"
	"vivarium/cmd/vivarium/dotenv"
	"vivarium/cmd/vivarium/personaltoken"
	"vivarium/server/github/githubtest"
)

// tokenOutage is how long the token is revoked; `make token-outage` takes ten minutes.
var tokenOutage = flag.Duration("token-outage", 15*time.Second,
	"how long TestTokenRevokedAmidTenBuilds revokes the token")

// TestTokenRevokedAmidTenBuilds: GitHub answers 401 in the middle of ten builds, at the usual pace.
// Meanwhile it gets few requests, and the builds' pages say what is wrong. Within a minute of the
// token's return every final status is there, once each.
func TestTokenRevokedAmidTenBuilds(t *testing.T) {
	everyDatabaseOf(t, 2, revokeAmidTenBuilds)
}

func revokeAmidTenBuilds(t *testing.T, w *world) {
	w.serve()
	shas := w.commits(10, oneTest(`pass`))
	ids := make([]string, len(shas))
	for i, sha := range shas {
		var err error
		if ids[i], _, err = w.deliver(sha); err != nil {
			t.Fatal(err)
		}
	}
	w.until(2*time.Minute, "the second build's end is told", func() bool {
		return slices.Contains(w.states(shas[1]), "success")
	})
	w.GitHub.SetToken("revoked")
	revoked := time.Now()
	for _, id := range ids {
		w.until(5*time.Minute, "every build passes", func() bool { return w.build(id).State == "passed" })
	}
	last := ids[len(ids)-1]
	w.until(time.Minute, "the page says why", func() bool {
		_, body := w.get("/logs/" + last)
		return strings.Contains(body, "commit status not delivered yet: GitHub answered 401: Bad credentials; ")
	})
	w.until(*tokenOutage+time.Minute, "the outage is over", func() bool { return time.Since(revoked) > *tokenOutage })
	posts := 0
	for _, r := range w.GitHub.Requests() {
		if r.Time.After(revoked) {
			posts++
		}
	}
	// The requests that were under way together, then the probes: five in the first 75 seconds,
	// then one every 40.
	if most := 4 + 6 + int(time.Since(revoked)/(40*time.Second)); posts > most {
		t.Errorf("GitHub was asked %d times with the dead token, want at most %d", posts, most)
	}
	w.GitHub.SetToken(harness.Token)
	back := time.Now()
	for _, sha := range shas {
		w.until(time.Minute, "all ends are told", func() bool { return slices.Contains(w.states(sha), "success") })
	}
	t.Logf("the dead token was tried %d times in %s; all ends were there %s after its return",
		posts, back.Sub(revoked).Round(time.Second), time.Since(back).Round(100*time.Millisecond))
	for _, sha := range shas {
		if got := strings.Join(w.states(sha), " "); got != "success" && got != "pending success" {
			t.Errorf("GitHub was told %s", got)
		}
	}
}

// TestATokenRenewedInDotenvNeedsNoRestart: soon after the file has changed, the same process sends
// the statuses that were refused.
func TestATokenRenewedInDotenvNeedsNoRestart(t *testing.T) {
	w := newWorld(t, 1)
	w.unset = []string{personaltoken.Name}
	file := filepath.Join(w.data, dotenv.File)
	if err := os.WriteFile(file, []byte(personaltoken.Name+"=ghp_expired\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.serve()
	id, sha := w.push(oneTest("pass"))
	w.until(2*time.Minute, "the build passes", func() bool { return w.build(id).State == "passed" })
	w.until(time.Minute, "its end is refused", func() bool {
		_, body := w.get("/logs/" + id)
		return strings.Contains(body, `"undelivered":{"state":"success"`) && strings.Contains(body, "401")
	})
	if got := w.states(sha); len(got) > 0 {
		t.Fatalf("control: GitHub took %v by a token that it does not know", got)
	}
	if err := os.WriteFile(file, []byte(personaltoken.Name+"="+harness.Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.until(10*time.Second, "the end is told", func() bool { return slices.Contains(w.states(sha), "success") })
	requests := w.GitHub.Requests()
	if !slices.ContainsFunc(requests, func(r githubtest.Request) bool {
		return r.Header.Get("Authorization") == "Bearer ghp_expired"
	}) {
		t.Error("control: the first token was never tried")
	}
}
