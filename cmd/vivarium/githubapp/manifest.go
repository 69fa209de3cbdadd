package githubapp

import (
	"encoding/json"
	"net/url"

	"vivarium/server/github/app"
)

// longestName is the longest name that GitHub gives an App.
const longestName = 34

// manifest describes an App to GitHub.
// https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
type manifest struct {
	Name               string            `json:"name"`
	URL                string            `json:"url"`
	HookAttributes     hook              `json:"hook_attributes"`
	RedirectURL        string            `json:"redirect_url"`
	Public             bool              `json:"public"` // others could install it
	DefaultEvents      []string          `json:"default_events"`
	DefaultPermissions map[string]string `json:"default_permissions"`
}

type hook struct {
	URL    string `json:"url"`
	Active bool   `json:"active"`
}

// newManifest describes an App that tells the server at public of what happens, and may do what the
// server needs. back is where GitHub sends the browser afterwards.
func newManifest(name string, public *url.URL, back string) manifest {
	if name == "" {
		name = "Vivarium " + public.Hostname()
	}
	return manifest{
		Name:               name[:min(len(name), longestName)], // which people may change on GitHub's page
		URL:                public.String(),
		HookAttributes:     hook{URL: public.JoinPath("webhook").String(), Active: true},
		RedirectURL:        back,
		DefaultEvents:      app.Events(),
		DefaultPermissions: app.Wanted(),
	}
}

// text is the manifest as GitHub reads it.
func (m manifest) text() string {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // it holds only texts
	}
	return string(text)
}

// newAppURL is GitHub's page that registers an App: an organization's, or where owner is empty one's
// own.
func newAppURL(server *url.URL, owner, state string) string {
	u := server.JoinPath("settings/apps/new")
	if owner != "" {
		u = server.JoinPath("organizations", owner, "settings/apps/new")
	}
	u.RawQuery = url.Values{"state": {state}}.Encode()
	return u.String()
}
