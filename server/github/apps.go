package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	gh "github.com/google/go-github/v60/github"

	"vivarium/pipeline"
	"vivarium/server/github/names"
)

// Apps asks as a GitHub App, or to register one.
type Apps struct{ client *Client }

// AsApp makes requests of a client whose tokens are the App's own: JWTs that its key signs.
func AsApp(c *Client) Apps { return Apps{c} }

// Close releases idle connections.
func (a Apps) Close() { a.client.Close() }

// App is a GitHub App, as GitHub knows it.
type App struct {
	ID          int64             `json:"id"`
	Slug        string            `json:"slug"` // its name in addresses
	Permissions map[string]string `json:"permissions"`
	Events      []string          `json:"events"`
	HTMLURL     string            `json:"html_url"`
}

// Installation is an account in which a GitHub App is installed.
type Installation struct {
	ID          int64             `json:"id"`
	Permissions map[string]string `json:"permissions"` // granted; fewer than the App's until an owner accepts
	SuspendedAt *time.Time        `json:"suspended_at"`
	HTMLURL     string            `json:"html_url"` // its settings
	Account     struct {
		Login string `json:"login"`
	} `json:"account"`
}

// MintedToken is the token of an installation. It prints without the token itself.
type MintedToken struct {
	Token   pipeline.FixedToken `json:"-"`
	Expires time.Time           `json:"expires_at"`
}

// App asks which App it is.
func (a Apps) App(ctx context.Context) (App, error) {
	var app App
	if _, err := a.client.get(ctx, "app", &app); err != nil {
		return App{}, fmt.Errorf("ask for the App: %w", plain(err))
	}
	return app, nil
}

// Installations lists where the App is installed.
func (a Apps) Installations(ctx context.Context) ([]Installation, error) {
	all, err := paged(func(o gh.ListOptions) (page []Installation, resp *gh.Response, err error) {
		resp, err = a.client.get(ctx, fmt.Sprintf("app/installations?per_page=%d&page=%d", o.PerPage, max(o.Page, 1)), &page)
		return page, resp, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the App's installations: %w", plain(err))
	}
	return all, nil
}

// InstallationOf finds the installation that sees a repository. None is an *APIError with the code
// 404.
func (a Apps) InstallationOf(ctx context.Context, fullName string) (Installation, error) {
	owner, name, err := names.SplitFullName(fullName)
	if err != nil {
		return Installation{}, err
	}
	var in Installation
	if _, err := a.client.get(ctx, "repos/"+owner+"/"+name+"/installation", &in); err != nil {
		return Installation{}, fmt.Errorf("ask for the App's installation in %s: %w", fullName, plain(err))
	}
	return in, nil
}

// Mint has a token made that sees one repository of an installation and may do there what
// permissions say.
func (a Apps) Mint(
	ctx context.Context, installation int64, fullName string, permissions map[string]string,
) (MintedToken, error) {
	_, name, err := names.SplitFullName(fullName)
	if err != nil {
		return MintedToken{}, err
	}
	body := map[string]any{"repositories": []string{name}, "permissions": permissions}
	path := fmt.Sprintf("app/installations/%d/access_tokens", installation)
	req, err := a.client.api.NewRequest(http.MethodPost, path, body)
	if err != nil {
		return MintedToken{}, err
	}
	var answer struct {
		Token string `json:"token"`
		MintedToken
	}
	if _, err := a.client.api.Do(ctx, req, &answer); err != nil {
		return MintedToken{}, fmt.Errorf("get a token of the App for %s: %w", fullName, plain(err))
	}
	answer.MintedToken.Token = pipeline.FixedToken(answer.Token)
	return answer.MintedToken, nil
}

// Revoke ends a token of an installation before its time. One that has ended already is no error.
func (a Apps) Revoke(ctx context.Context, token pipeline.FixedToken) error {
	req, err := a.client.api.NewRequest(http.MethodDelete, "installation/token", nil)
	if err != nil {
		return err
	}
	_, err = a.client.api.Do(withToken(ctx, string(token)), req, nil)
	if refused, ok := plain(err).(*APIError); ok && refused.Code == http.StatusUnauthorized {
		return nil
	}
	if err != nil {
		return fmt.Errorf("revoke a token: %w", plain(err))
	}
	return nil
}

// NewApp is what GitHub gives, once, for the code of a manifest. It holds secrets.
type NewApp struct {
	App
	Key           string `json:"pem"`
	WebhookSecret string `json:"webhook_secret"`
}

// Format keeps the secrets out of every verb of package fmt.
func (a NewApp) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "the App %s", a.Slug) }

// ConvertManifest exchanges the code that GitHub gave for a manifest. It works once, within an hour.
func (a Apps) ConvertManifest(ctx context.Context, code string) (NewApp, error) {
	req, err := a.client.api.NewRequest(http.MethodPost, "app-manifests/"+url.PathEscape(code)+"/conversions", nil)
	if err != nil {
		return NewApp{}, err
	}
	var made NewApp
	if _, err := a.client.api.Do(ctx, req, &made); err != nil {
		return NewApp{}, fmt.Errorf("exchange the manifest's code: %w", plain(err))
	}
	return made, nil
}
