package credentials

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vivarium/cmd/vivarium/personaltoken"
	"vivarium/pipeline/token"
	"vivarium/server/github/githubtest"
)

func TestHalfAnAppIsRefused(t *testing.T) {
	for _, a := range []App{{ID: 1}, {KeyFile: "k"}, {Secret: "s"}} {
		if err := a.Check(); err == nil {
			t.Errorf("%d, %q: accepted", a.ID, a.KeyFile)
		}
	}
	for _, a := range []App{{}, {ID: 1, KeyFile: "k"}, {ID: 1, KeyFile: "k", Secret: "s"}} {
		if err := a.Check(); err != nil {
			t.Errorf("%d, %q: %v", a.ID, a.KeyFile, err)
		}
	}
}

// TestTheAppsTokensAreUsedWhereItIsInstalledAndThePersonalOneElsewhere: and without an App the
// personal one is for all.
func TestTheAppsTokensAreUsedWhereItIsInstalledAndThePersonalOneElsewhere(t *testing.T) {
	t.Chdir(t.TempDir()) // a folder without .env
	hub, err := githubtest.Start(githubtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer hub.Close()
	hub.AddRepo("octo/hello")
	hub.AddRepo("else/where")
	quiet := slog.New(slog.DiscardHandler)
	personal := personaltoken.New(nil, "ghp_personal", quiet)
	ask := func(s *Source, repo string) string {
		t.Helper()
		got, err := s.Token(t.Context(), repo, token.Report)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	alone, err := New(App{}, hub.URL(), false, personal, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(alone, "octo/hello"); got != "ghp_personal" || alone.Fingerprint() != personal.Fingerprint() {
		t.Errorf("without an App: got %s", got)
	}
	both, err := New(App{ID: 42, KeyFile: installedApp(t, hub)}, hub.URL(), false, personal, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer both.Close()
	own := ask(both, "octo/hello")
	if !strings.HasPrefix(own, "ghs_") || ask(both, "else/where") != "ghp_personal" {
		t.Errorf("got %s, and elsewhere %s", own, ask(both, "else/where"))
	}
	if app, other := both.FingerprintFor("octo/hello"), both.FingerprintFor("else/where"); app == other ||
		other != personal.Fingerprint() || alone.FingerprintFor("octo/hello") != other {
		t.Errorf("their fingerprints are %s and %s", app, other)
	}
	for repo, want := range map[string]string{"octo/hello": "app at octo", "Octo/Other": "app at octo", "else/where": ""} {
		if got := both.Account(repo); got != want || alone.Account(repo) != "" {
			t.Errorf("%s counts for %q, want %q", repo, got, want)
		}
	}
	if got := both.Secrets(); !slices.Contains(got, own) || !slices.Contains(got, "ghp_personal") {
		t.Errorf("%d secrets are to be masked", len(got))
	}
	if !both.Forget(own) || alone.Forget(own) {
		t.Error("it does not know whose token was refused")
	}
	if text := fmt.Sprintf("%v", both.Fingerprint()); strings.Contains(text, "gh") {
		t.Errorf("the fingerprint is %s", text)
	}
}

// installedApp registers an App that is installed in octo's repositories, and gives its key file.
func installedApp(t *testing.T, hub *githubtest.Server) (keyFile string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keyFile = filepath.Join(t.TempDir(), "app.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(keyFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	hub.Apps().Set(githubtest.App{ID: 42, Slug: "vivarium", Key: &key.PublicKey,
		Permissions: map[string]string{"contents": "read", "statuses": "write"}})
	hub.Apps().Install("octo", nil)
	return keyFile
}
