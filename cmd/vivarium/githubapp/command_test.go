package githubapp

import (
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"vivarium/server/github"
	"vivarium/server/github/app"
	"vivarium/server/github/githubtest"
)

// world is a stand-in for GitHub, and the settings of a server.
type world struct {
	hub      *githubtest.Server
	settings Settings
}

func newWorld(t *testing.T) *world {
	t.Helper()
	hub, err := githubtest.Start(githubtest.Options{Token: "a person's"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hub.Close() })
	api, err := github.New(github.Config{APIURL: hub.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	server, err := url.Parse(hub.URL())
	if err != nil {
		t.Fatal(err)
	}
	return &world{hub, Settings{API: api, ServerURL: server, DataDir: filepath.Join(t.TempDir(), "not there yet"),
		PublicURL: &url.URL{Scheme: "https", Host: "ci.example.org"}}}
}

// start runs the command, and gives each line that it prints.
func (w *world) start(t *testing.T, args ...string) (lines chan string, ended chan error) {
	t.Helper()
	r, out := io.Pipe()
	cmd := Command(out, func() (Settings, error) { return w.settings, nil })
	cmd.SetArgs(append([]string{"--listen", "127.0.0.1:0"}, args...))
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	ended, lines = make(chan error, 1), make(chan string, 1)
	go func() {
		ended <- cmd.ExecuteContext(t.Context())
		out.Close()
	}()
	go func() {
		all, _ := io.ReadAll(r)
		lines <- string(all)
	}()
	return lines, ended
}

var (
	actionOf   = regexp.MustCompile(`action="([^"]+)"`)
	manifestOf = regexp.MustCompile(`name="manifest" value="([^"]+)"`)
)

// TestAnAppIsRegisteredByOneButton: by way of a browser, and with a key that works.
func TestAnAppIsRegisteredByOneButton(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.settings.DataDir, "github-app.pem")
	var out strings.Builder
	at := make(chan string, 1)
	cmd := Command(io.MultiWriter(&out, addressIn(at)), func() (Settings, error) { return w.settings, nil })
	cmd.SetArgs([]string{"--listen", "127.0.0.1:0", "--org", "octo"})
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(t.Context()) }()
	home := <-at
	page := get(t, home)
	action := html.UnescapeString(actionOf.FindStringSubmatch(page)[1])
	if !strings.HasPrefix(action, w.hub.URL()+"/organizations/octo/settings/apps/new?state=") {
		t.Errorf("the form goes to %s", action)
	}
	for _, forged := range []string{"made?code=x", "made?code=x&state=guess"} { // who did not see the page
		if got := status(t, home+forged); got != http.StatusForbidden {
			t.Errorf("%s: answered %d", forged, got)
		}
	}
	text := html.UnescapeString(manifestOf.FindStringSubmatch(page)[1])
	back, err := http.PostForm(action, url.Values{"manifest": {text}})
	if err != nil {
		t.Fatal(err)
	}
	back.Body.Close()
	if err := <-ended; err != nil || back.StatusCode != http.StatusOK {
		t.Fatalf("%v; the browser was answered %d", err, back.StatusCode)
	}
	made := w.hub.Apps().App()
	for _, want := range []string{
		fmt.Sprintf("VIVARIUM_GITHUB_APP_ID=%d", made.ID), "VIVARIUM_GITHUB_APP_KEY_FILE=" + file,
		"VIVARIUM_GITHUB_APP_WEBHOOK_SECRET=" + made.Secret, "https://github.com/apps/" + made.Slug + "/installations/new",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %s:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "PRIVATE KEY") || made.HookURL != "https://ci.example.org/webhook" {
		t.Errorf("deliveries go to %s; it says\n%s", made.HookURL, out.String())
	}
	w.wantUsable(t, made.ID, file)
}

// wantUsable checks that the key file is the App's, and its owner's alone.
func (w *world) wantUsable(t *testing.T, id int64, file string) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil || app.Exposed(info) {
		t.Fatalf("the key: %v, %v", info, err)
	}
	s, err := app.New(app.Config{ID: id, KeyFile: file, APIURL: w.hub.URL(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if a, err := s.API().App(t.Context()); err != nil || a.ID != id {
		t.Errorf("GitHub does not know the key: %v", err)
	}
}

// addressIn finds the page's address in what is printed.
func addressIn(at chan<- string) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		if _, rest, ok := strings.Cut(string(p), "Open "); ok {
			at <- strings.Fields(rest)[0]
		}
		return len(p), nil
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestWithoutABrowserOnThisMachineTheCodeIsPassed: the form is sent from elsewhere.
func TestWithoutABrowserOnThisMachineTheCodeIsPassed(t *testing.T) {
	w := newWorld(t)
	lines, ended := w.start(t, "--manifest", "--name", "a name that is longer than what GitHub takes")
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	text, rest, _ := strings.Cut(<-lines, "\n")
	action := strings.Fields(rest[strings.Index(rest, "http"):])[0]
	code := ""
	client := &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		code = r.URL.Query().Get("code")
		return http.ErrUseLastResponse
	}}
	back, err := client.PostForm(action, url.Values{"manifest": {text}})
	if err != nil {
		t.Fatal(err)
	}
	back.Body.Close()
	if code == "" {
		t.Fatalf("GitHub answered %d", back.StatusCode)
	}
	if _, ended = w.start(t, "--code", code); <-ended != nil {
		t.Fatal("the code is refused")
	}
	second := filepath.Join(t.TempDir(), "k")
	if _, ended = w.start(t, "--code", code, "--key-file", second); <-ended == nil {
		t.Error("a code counts twice")
	}
	if _, err := os.Stat(second); err == nil {
		t.Error("a file without a key is left behind, and is in the way of the next try")
	}
	w.wantUsable(t, w.hub.Apps().App().ID, filepath.Join(w.settings.DataDir, "github-app.pem"))
}

func TestWhatCannotEndWellDoesNotBegin(t *testing.T) {
	w := newWorld(t)
	taken := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(taken, []byte("another App's"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"there already": {"--key-file", taken}, "other machines": {"--listen", "0.0.0.0:0"},
	} {
		_, ended := w.start(t, args...)
		if err := <-ended; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", args, err)
		}
	}
	w.settings.PublicURL = nil
	_, ended := w.start(t)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "VIVARIUM_PUBLIC_URL") {
		t.Errorf("without a public address: %v", err)
	}
	if w.hub.Apps().App() != nil {
		t.Error("an App was made")
	}
}

// TestThePageAnswersToItsOwnAddressAlone: a stranger's page may lead a browser here under a name of
// its own.
func TestThePageAnswersToItsOwnAddressAlone(t *testing.T) {
	p := &page{host: "127.0.0.1:8002"}
	for host, want := range map[string]int{"127.0.0.1:8002": http.StatusOK, "evil.example:8002": http.StatusForbidden} {
		a := httptest.NewRecorder()
		p.routes().ServeHTTP(a, httptest.NewRequest(http.MethodGet, "http://"+host+"/", nil))
		if a.Code != want {
			t.Errorf("%s: answered %d, want %d", host, a.Code, want)
		}
	}
}

func get(t *testing.T, address string) string {
	t.Helper()
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func status(t *testing.T, address string) int {
	t.Helper()
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	return r.StatusCode
}
