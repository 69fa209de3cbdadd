package githubtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
)

// manifest describes an App that is to be registered.
// https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
type manifest struct {
	Name           string `json:"name"`
	URL            string `json:"url"`
	HookAttributes struct {
		URL    string `json:"url"`
		Active *bool  `json:"active"`
	} `json:"hook_attributes"`
	RedirectURL        string            `json:"redirect_url"`
	CallbackURLs       []string          `json:"callback_urls"`
	SetupURL           string            `json:"setup_url"`
	Description        string            `json:"description"`
	Public             bool              `json:"public"`
	DefaultEvents      []string          `json:"default_events"`
	DefaultPermissions map[string]string `json:"default_permissions"`
	RequestOAuth       bool              `json:"request_oauth_on_install"`
	SetupOnUpdate      bool              `json:"setup_on_update"`
}

// needsNone reports whether a request needs no token: those by which an App is registered.
func needsNone(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/app-manifests/") || strings.HasSuffix(r.URL.Path, "/settings/apps/new")
}

func (s *Server) manifestRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /settings/apps/new", s.takeManifest)
	mux.HandleFunc("POST /organizations/{org}/settings/apps/new", s.takeManifest)
	mux.HandleFunc("POST /app-manifests/{code}/conversions", s.convertManifest)
}

// takeManifest stands in for the page of GitHub's on which a person accepts a manifest.
func (s *Server) takeManifest(w http.ResponseWriter, r *http.Request) {
	var m manifest
	d := json.NewDecoder(strings.NewReader(r.FormValue("manifest")))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || m.URL == "" || m.Name == "" || len(m.Name) > 34 || m.HookAttributes.URL == "" {
		refuse(w, http.StatusUnprocessableEntity, "Error Invalid GitHub App configuration")
		return
	}
	back, err := url.Parse(m.RedirectURL)
	if err != nil || !back.IsAbs() {
		refuse(w, http.StatusUnprocessableEntity, "Error Invalid GitHub App configuration: redirect_url")
		return
	}
	code := rand.Text()
	s.mu.Lock()
	if s.apps.waiting == nil {
		s.apps.waiting = map[string]manifest{}
	}
	s.apps.waiting[code] = m
	s.mu.Unlock()
	back.RawQuery = url.Values{"code": {code}, "state": {r.URL.Query().Get("state")}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// convertManifest registers the App, once for each code.
func (s *Server) convertManifest(w http.ResponseWriter, r *http.Request) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.apps.waiting[r.PathValue("code")]
	if !ok {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	delete(s.apps.waiting, r.PathValue("code"))
	s.apps.app = &App{
		ID: 4711, Slug: strings.ToLower(strings.ReplaceAll(m.Name, " ", "-")), Key: &key.PublicKey,
		Permissions: m.DefaultPermissions, Events: m.DefaultEvents, Secret: rand.Text(), HookURL: m.HookAttributes.URL,
	}
	made := s.renderApp()
	made["pem"] = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	made["webhook_secret"], made["client_id"], made["client_secret"] = s.apps.app.Secret, "Iv1.x", rand.Text()
	answer(w, http.StatusCreated, made)
}
