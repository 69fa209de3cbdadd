package githubtest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vivarium/server/github/githubtest/events"
)

// App is a GitHub App, as it is registered.
type App struct {
	ID          int64
	Slug        string
	Key         *rsa.PublicKey
	Permissions map[string]string
	Events      []string
	Secret      string // of its webhook
	HookURL     string
}

// Minted is a token of an installation.
type Minted struct {
	Token       string
	Repos       []string
	Permissions map[string]string
	Expires     time.Time
	Revoked     bool
}

// Apps is what tests do to the App and its installations.
type Apps struct{ s *Server }

// Apps is the part of the stand-in that knows the App.
func (s *Server) Apps() Apps { return Apps{s} }

// apps are the one App that the stand-in knows, and where it is installed.
type apps struct {
	app           *App
	installations []*installation
	tokens        []*Minted
	waiting       map[string]manifest // by code
}

type installation struct {
	id        int64
	owner     string
	granted   map[string]string
	repos     []string // those that it sees; nil: all of its owner's
	suspended *time.Time
}

// tokenLasts is how long GitHub lets an installation's token work.
const tokenLasts = time.Hour

// Set registers the App, in place of an earlier one. Its key can be replaced so.
func (a Apps) Set(app App) {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	a.s.apps.app = &app
}

// App is the App that is registered; nil for none.
func (a Apps) App() *App {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	return a.s.apps.app
}

// Install installs the App in an account, for some of its repositories or, where none are named, for
// all. Granted is what the account's owner accepted; nil: all that the App asks for.
func (a Apps) Install(owner string, granted map[string]string, repos ...string) int64 {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	if granted == nil {
		granted = a.s.apps.app.Permissions
	}
	in := &installation{id: int64(7000 + len(a.s.apps.installations)), owner: owner, granted: granted, repos: repos}
	a.s.apps.installations = append(a.s.apps.installations, in)
	return in.id
}

// Uninstall ends an installation, and with it its tokens.
func (a Apps) Uninstall(id int64) {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	a.s.apps.installations = slices.DeleteFunc(a.s.apps.installations, func(in *installation) bool { return in.id == id })
	for _, t := range a.s.apps.tokens {
		t.Revoked = true
	}
}

// Suspend suspends an installation, or lifts that.
func (a Apps) Suspend(id int64, suspended bool) {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	for _, in := range a.s.apps.installations {
		if in.id == id {
			in.suspended = nil
			if now := a.s.options.Now(); suspended {
				in.suspended = &now
			}
		}
	}
}

// Grant changes what an installation's owner has accepted.
func (a Apps) Grant(id int64, granted map[string]string) {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	for _, in := range a.s.apps.installations {
		if in.id == id {
			in.granted = granted
		}
	}
}

// RevokeTokens ends all tokens of installations that were made so far.
func (a Apps) RevokeTokens() {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	for _, t := range a.s.apps.tokens {
		t.Revoked = true
	}
}

// Minted returns all tokens of installations that were made so far, oldest first.
func (a Apps) Minted() []Minted {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	var all []Minted
	for _, t := range a.s.apps.tokens {
		all = append(all, *t)
	}
	return all
}

func (s *Server) appRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /app", s.oneApp)
	mux.HandleFunc("GET /app/installations", s.listInstallations)
	mux.HandleFunc("POST /app/installations/{id}/access_tokens", s.mintToken)
	mux.HandleFunc("GET /repos/{owner}/{name}/installation", s.installationOf)
	mux.HandleFunc("DELETE /installation/token", s.revokeToken)
}

func (s *Server) oneApp(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(w, http.StatusOK, s.renderApp())
}

// renderApp shows the App. s.mu is held.
func (s *Server) renderApp() map[string]any {
	a := s.apps.app
	return map[string]any{
		"id": a.ID, "slug": a.Slug, "name": a.Slug, "node_id": "A_1", "owner": events.User("mona"),
		"permissions": a.Permissions,
		"events":      a.Events, "html_url": "https://github.com/apps/" + a.Slug, "external_url": a.HookURL,
		"installations_count": len(s.apps.installations),
	}
}

func (s *Server) listInstallations(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []any{}
	for _, in := range s.apps.installations {
		all = append(all, s.renderInstallation(in))
	}
	answer(w, http.StatusOK, s.pageOf(w, r, all))
}

func (s *Server) renderInstallation(in *installation) map[string]any {
	selection := "all"
	if in.repos != nil {
		selection = "selected"
	}
	return map[string]any{
		"id": in.id, "account": events.User(in.owner), "app_id": s.apps.app.ID, "app_slug": s.apps.app.Slug,
		"permissions": in.granted, "events": s.apps.app.Events, "repository_selection": selection,
		"suspended_at": in.suspended, "html_url": fmt.Sprintf("https://github.com/settings/installations/%d", in.id),
	}
}

func (s *Server) installationOf(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := r.PathValue("owner") + "/" + r.PathValue("name")
	for _, in := range s.apps.installations {
		if s.sees(in, name) {
			answer(w, http.StatusOK, s.renderInstallation(in))
			return
		}
	}
	refuse(w, http.StatusNotFound, "Not Found")
}

// sees reports whether an installation sees a repository. s.mu is held.
func (s *Server) sees(in *installation, fullName string) bool {
	owner, _, _ := strings.Cut(fullName, "/")
	return s.repos[fullName] != nil && owner == in.owner && (in.repos == nil || slices.Contains(in.repos, fullName))
}

// mintToken makes a token, as far as it is granted.
// https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
func (s *Server) mintToken(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.installationByID(r.PathValue("id"))
	if in == nil {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	if in.suspended != nil {
		refuse(w, http.StatusForbidden, "This installation has been suspended")
		return
	}
	t, wrong := s.newToken(in, r)
	if wrong != "" {
		refuse(w, http.StatusUnprocessableEntity, wrong)
		return
	}
	s.apps.tokens = append(s.apps.tokens, t)
	var repos []any
	for _, name := range t.Repos {
		repos = append(repos, s.renderRepo(name))
	}
	answer(w, http.StatusCreated, map[string]any{
		"token": t.Token, "expires_at": t.Expires.UTC().Format(time.RFC3339), "permissions": t.Permissions,
		"repository_selection": "selected", "repositories": repos,
	})
}

func (s *Server) installationByID(id string) *installation {
	for _, in := range s.apps.installations {
		if strconv.FormatInt(in.id, 10) == id {
			return in
		}
	}
	return nil
}

// newToken reads what a token is to be for, or says what GitHub would not grant. s.mu is held.
func (s *Server) newToken(in *installation, r *http.Request) (t *Minted, wrong string) {
	var body struct {
		Repositories  []string          `json:"repositories"`
		RepositoryIDs []int64           `json:"repository_ids"`
		Permissions   map[string]string `json:"permissions"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		return nil, "Invalid request.\n\n" + err.Error()
	}
	t = &Minted{Permissions: map[string]string{"metadata": "read"}, Expires: s.options.Now().Add(tokenLasts)}
	for _, name := range body.Repositories {
		if full := in.owner + "/" + name; s.sees(in, full) {
			t.Repos = append(t.Repos, full)
			continue
		}
		return nil, "There is at least one repository that does not exist or is not accessible to the parent installation."
	}
	for name, level := range body.Permissions {
		if granted := in.granted[name]; name != "metadata" && granted != level && granted != "write" {
			return nil, "The permissions requested are not granted to this installation."
		}
	}
	maps.Copy(t.Permissions, body.Permissions)
	t.Token = fmt.Sprintf("ghs_%d_%s.%s.%s", s.apps.app.ID, rand.Text(), rand.Text(), rand.Text())
	return t, ""
}

func (s *Server) revokeToken(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.minted(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if t == nil {
		refuse(w, http.StatusForbidden, "You must authenticate with an installation access token")
		return
	}
	t.Revoked = true
	w.WriteHeader(http.StatusNoContent)
	s.wake()
}

// minted finds the token of an installation. s.mu is held.
func (s *Server) minted(token string) *Minted {
	for _, t := range s.apps.tokens {
		if t.Token == token {
			return t
		}
	}
	return nil
}
