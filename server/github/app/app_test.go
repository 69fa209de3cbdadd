package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vivarium/pipeline"
	"vivarium/server/github"
	"vivarium/server/github/githubtest"
)

const (
	repo  = "octo/hello"
	other = "octo/other"
)

var sha = strings.Repeat("a", 40)

// world is a stand-in for GitHub with an App, and a source of its tokens.
type world struct {
	*Source
	hub     *githubtest.Server
	keyPath string
	in      int64 // the installation
	clock   *clock
	log     bytes.Buffer
}

// clock is moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var permissions = map[string]string{
	"contents": "read", "statuses": "write", "checks": "write", "metadata": "read", "pull_requests": "read",
}

func newWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	w := &world{clock: &clock{now: time.Now()}, keyPath: filepath.Join(t.TempDir(), "app.pem")}
	var err error
	if w.hub, err = githubtest.Start(githubtest.Options{Now: w.clock.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.hub.Close() })
	w.hub.AddRepo(repo)
	w.hub.AddRepo(other)
	w.newKey(t)
	w.in = w.hub.Apps().Install("octo", nil)
	c := Config{ID: 42, KeyFile: w.keyPath, APIURL: w.hub.URL(), Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Now: w.clock.Now}
	if change != nil {
		change(&c)
	}
	if w.Source, err = New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// newKey gives the App another key, and puts it into the file.
func (w *world) newKey(t *testing.T) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	w.hub.Apps().Set(githubtest.App{ID: 42, Slug: "vivarium", Key: &key.PublicKey, Permissions: permissions})
	writeKey(t, w.keyPath, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
}

func writeKey(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *world) token(t *testing.T, repo string, p pipeline.Purpose) string {
	t.Helper()
	token, err := w.Token(t.Context(), repo, p)
	if err != nil {
		t.Fatalf("token for %s, to %s: %v", repo, p, err)
	}
	return token
}

// client reports with the source's tokens.
func (w *world) client(t *testing.T, tokens github.TokenSource) *github.Client {
	t.Helper()
	c, err := github.New(github.Config{APIURL: w.hub.URL(), Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func status(repo string) pipeline.CommitStatus {
	return pipeline.CommitStatus{Repo: repo, SHA: sha, Context: "vivarium", State: "pending", Description: "queued"}
}

func TestATokenSeesOneRepositoryAndMayDoWhatItsPurposeNeeds(t *testing.T) {
	w := newWorld(t, nil)
	for purpose, want := range map[pipeline.Purpose]map[string]string{
		pipeline.PurposeClone:  {"metadata": "read", "contents": "read"},
		pipeline.PurposeReport: {"metadata": "read", "statuses": "write"},
		pipeline.PurposeAsk:    {"metadata": "read", "pull_requests": "read"},
		pipeline.PurposeManage: {"metadata": "read"},
	} {
		token := w.token(t, repo, purpose)
		minted := w.hub.Apps().Minted()
		last := minted[len(minted)-1]
		if last.Token != token || !maps.Equal(last.Permissions, want) || fmt.Sprint(last.Repos) != "["+repo+"]" {
			t.Errorf("to %s: may %v in %v", purpose, last.Permissions, last.Repos)
		}
	}
	if w.token(t, repo, pipeline.PurposeReport) == w.token(t, other, pipeline.PurposeReport) {
		t.Error("two repositories share a token")
	}
	fixed := w.client(t, pipeline.FixedToken(w.token(t, repo, pipeline.PurposeReport)))
	if err := fixed.Post(t.Context(), status(repo)); err != nil {
		t.Errorf("control: %v", err)
	}
	if err := fixed.Post(t.Context(), status(other)); err == nil {
		t.Error("the token of one repository reports to another")
	}
	read := w.client(t, pipeline.FixedToken(w.token(t, repo, pipeline.PurposeClone)))
	if err := read.Post(t.Context(), status(repo)); err == nil {
		t.Error("a token to clone with reports")
	}
}

func TestTokensThatMayWriteChecksAreAskedForOnlyWhereChecksAreWritten(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Checks = true })
	w.token(t, repo, pipeline.PurposeReport)
	if got := w.hub.Apps().Minted()[0].Permissions["checks"]; got != "write" {
		t.Errorf("checks: %q", got)
	}
}

func TestATokenToReportWithIsRenewedBeforeItEnds(t *testing.T) {
	w := newWorld(t, nil)
	first := w.token(t, repo, pipeline.PurposeReport)
	w.clock.move(54 * time.Minute)
	if w.token(t, repo, pipeline.PurposeReport) != first {
		t.Error("a token that lasts was replaced")
	}
	w.clock.move(2 * time.Minute)
	second := w.token(t, repo, pipeline.PurposeReport)
	if second == first {
		t.Error("a token that is about to end was given")
	}
	if err := w.client(t, w.Source).Post(t.Context(), status(repo)); err != nil {
		t.Error(err)
	}
}

// TestATokenThatWasRevokedIsReplacedAtOnce: nothing that is reported meets the refusal.
func TestATokenThatWasRevokedIsReplacedAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	c := w.client(t, w.Source)
	if err := c.Post(t.Context(), status(repo)); err != nil {
		t.Fatal(err)
	}
	old := w.client(t, pipeline.FixedToken(w.token(t, repo, pipeline.PurposeReport)))
	w.hub.Apps().RevokeTokens()
	var refused *pipeline.RefusedError
	if err := old.Post(t.Context(), status(repo)); !errors.As(err, &refused) || refused.Code != http.StatusUnauthorized {
		t.Fatalf("control: with the old token: %v", err)
	}
	if err := c.Post(t.Context(), status(repo)); err != nil {
		t.Errorf("after the token was revoked: %v", err)
	}
	if n := len(w.hub.Statuses()); n != 2 {
		t.Errorf("%d statuses arrived, want 2", n)
	}
}

func TestATokenToCloneWithIsRevokedAfterTheClone(t *testing.T) {
	w := newWorld(t, nil)
	clone, report := w.token(t, repo, pipeline.PurposeClone), w.token(t, repo, pipeline.PurposeReport)
	if again := w.token(t, repo, pipeline.PurposeClone); again == clone {
		t.Error("two clones share a token, and the first to end ends both")
	}
	w.Release(clone)
	w.Release(report) // which others use
	w.Source.Close()
	for _, m := range w.hub.Apps().Minted() {
		if m.Revoked != (m.Token == clone) {
			t.Errorf("revoked %v, may %v", m.Revoked, m.Permissions)
		}
	}
	if strings.Contains(w.log.String(), "ghs_") {
		t.Errorf("the log shows a token: %s", w.log.String())
	}
}

func TestAKeyReplacedInItsFileCountsFromTheNextTokenOn(t *testing.T) {
	w := newWorld(t, nil)
	w.token(t, repo, pipeline.PurposeClone)
	before, old := w.Fingerprint(), w.keyPath+".old"
	if err := os.Rename(w.keyPath, old); err != nil {
		t.Fatal(err)
	}
	w.newKey(t) // GitHub knows it alone from now on
	renewed, err := os.ReadFile(w.keyPath)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.keyPath, renewed[:100], 0o600); err != nil { // its writer is not done
		t.Fatal(err)
	}
	var refused *github.APIError
	if _, err := w.Token(t.Context(), repo, pipeline.PurposeClone); !errors.As(err, &refused) ||
		refused.Code != http.StatusUnauthorized || !strings.Contains(err.Error(), "VIVARIUM_GITHUB_APP_KEY_FILE") {
		t.Fatalf("with the old key: %v", err)
	}
	if w.Fingerprint() != before {
		t.Error("half a key counts as another")
	}
	if err := os.WriteFile(w.keyPath, renewed, 0o600); err != nil {
		t.Fatal(err)
	}
	w.token(t, repo, pipeline.PurposeClone)
	if w.Fingerprint() == before {
		t.Error("the fingerprint does not tell that it is another key")
	}
}

func TestWhereTheAppIsNotInstalledTheOtherTokenIsUsed(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Others = pipeline.FixedToken("ghp_other") })
	w.hub.AddRepo("else/where")
	if got := w.token(t, "else/where", pipeline.PurposeReport); got != "ghp_other" {
		t.Errorf("elsewhere: got %s", got)
	}
	if got := w.token(t, "", pipeline.PurposeManage); got != "ghp_other" {
		t.Errorf("for none in particular: got %s", got)
	}
	if got := w.token(t, repo, pipeline.PurposeReport); got == "ghp_other" {
		t.Error("where it is installed, the other token was given")
	}
}

func TestWithoutAnotherTokenPublicCodeIsClonedAndReportsSayWhatToDo(t *testing.T) {
	w := newWorld(t, nil)
	w.hub.AddRepo("else/where")
	if got := w.token(t, "else/where", pipeline.PurposeClone); got != "" {
		t.Errorf("to clone: got %s", got)
	}
	err := w.client(t, w.Source).Post(t.Context(), status("else/where"))
	var refused *pipeline.RefusedError
	if !errors.As(err, &refused) || refused.Code != http.StatusNotFound ||
		!strings.Contains(err.Error(), "not installed in else/where: install it") {
		t.Errorf("to report: %v", err)
	}
}

// TestInstallationsThatChangeAreFollowed: gone, made anew, suspended, with too few permissions.
func TestInstallationsThatChangeAreFollowed(t *testing.T) {
	w := newWorld(t, nil)
	c := w.client(t, w.Source)
	post := func() error { return c.Post(t.Context(), status(repo)) }
	refusal := func(code int, words string) {
		t.Helper()
		var refused *pipeline.RefusedError
		if err := post(); !errors.As(err, &refused) || refused.Code != code || !strings.Contains(err.Error(), words) {
			t.Errorf("got %v, want %d and %q", err, code, words)
		}
	}
	accepted := func(when string) {
		t.Helper()
		if err := post(); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	accepted("at first")
	w.hub.Apps().Uninstall(w.in)
	refusal(http.StatusNotFound, "not installed in "+repo)
	in := w.hub.Apps().Install("octo", nil)
	w.Changed() // as GitHub tells
	accepted("installed anew")
	w.hub.Apps().Suspend(in, true)
	w.Changed()
	refusal(http.StatusForbidden, "suspended")
	w.hub.Apps().Suspend(in, false)
	accepted("unsuspended")
	w.hub.Apps().Grant(in, map[string]string{"contents": "read"})
	w.Changed()
	refusal(http.StatusForbidden, "accept the permissions")
	w.hub.Apps().Grant(in, permissions)
	accepted("with all permissions")
}

func TestSeveralWhoNeedATokenAtATimeShareOne(t *testing.T) {
	w := newWorld(t, nil)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { w.Token(context.WithoutCancel(t.Context()), repo, pipeline.PurposeReport) })
	}
	all.Wait()
	if n := len(w.hub.Apps().Minted()); n > 3 { // who comes after an answer asks anew at most once
		t.Errorf("%d tokens were made", n)
	}
}

// TestClocksMayDifferByAMinute: GitHub takes no JWT from its future, and none that lasts too long.
func TestClocksMayDifferByAMinute(t *testing.T) {
	for _, ours := range []time.Duration{-4 * time.Minute, -time.Minute, 0, 59 * time.Second} {
		w := newWorld(t, nil)
		now := w.clock.Now()
		s := &signer{id: 42, key: w.key, now: func() time.Time { return now.Add(ours) }}
		c := github.AsApp(w.client(t, s))
		if a, err := c.App(t.Context()); err != nil || a.Slug != "vivarium" {
			t.Errorf("ours is %s ahead: %v", ours, err)
		}
	}
	w := newWorld(t, nil)
	now := w.clock.Now()
	ahead := &signer{id: 42, key: w.key, now: func() time.Time { return now.Add(20 * time.Minute) }}
	c := github.AsApp(w.client(t, ahead))
	if _, err := c.App(t.Context()); err == nil {
		t.Error("control: a clock that is far ahead is accepted")
	}
}

func TestTheSecretsInUseAreThoseToMask(t *testing.T) {
	w := newWorld(t, nil)
	clone, report := w.token(t, repo, pipeline.PurposeClone), w.token(t, repo, pipeline.PurposeReport)
	if got := w.Secrets(); len(got) != 2 || !strings.Contains(fmt.Sprint(got), clone) ||
		!strings.Contains(fmt.Sprint(got), report) {
		t.Errorf("got %d secrets", len(got))
	}
	minted, err := w.API().Mint(t.Context(), w.in, repo, map[string]string{"contents": "read"})
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v", minted, minted, minted); strings.Contains(text, "ghs_") {
		t.Errorf("it prints as %s", text)
	}
}

// TestARenamingIsAskedForByATokenOfTheNewName: no token of the App's is for all.
func TestARenamingIsAskedForByATokenOfTheNewName(t *testing.T) {
	w := newWorld(t, nil)
	c := w.client(t, w.Source)
	if name, err := c.NameOf(github.About(t.Context(), repo), 1000); err != nil || name != repo {
		t.Errorf("got %q, %v", name, err)
	}
	if got := w.hub.Apps().Minted(); len(got) != 1 || got[0].Permissions["metadata"] != "read" {
		t.Errorf("tokens: %+v", got)
	}
	if _, err := c.NameOf(t.Context(), 1000); err == nil {
		t.Error("control: without the name there is a token")
	}
}

// TestTheHostsLimitOnContentIsHeeded: 80 in a minute, and what is over it is told when to come back.
func TestTheHostsLimitOnContentIsHeeded(t *testing.T) {
	clock := &clock{now: time.Now()}
	hub, err := githubtest.Start(githubtest.Options{Token: "ghp_x", Content: &githubtest.Content{}, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer hub.Close()
	hub.AddRepo(repo)
	w := &world{hub: hub}
	taken := 0
	post := func() error { return w.client(t, pipeline.FixedToken("ghp_x")).Post(t.Context(), status(repo)) }
	for ; taken < 100; taken++ {
		if err = post(); err != nil {
			break
		}
	}
	later, ok := errors.AsType[*pipeline.RetryError](err)
	if taken != 80 || !ok || time.Until(later.At) < 50*time.Second {
		t.Errorf("%d were taken, then %v", taken, err)
	}
	clock.move(time.Minute)
	if err := post(); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}
