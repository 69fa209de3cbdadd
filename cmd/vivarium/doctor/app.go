package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"vivarium/server/github"
	"vivarium/server/github/app"
)

// App is what is known of a GitHub App by the settings.
type App struct {
	Tokens   *app.Source
	KeyFile  string
	Secret   bool // its webhook secret is set
	Checks   bool // builds are reported by check runs
	Personal bool // GITHUB_TOKEN is set too
}

// Check checks the App's key, what it may do, what it is told of, and where it is installed.
func (a App) Check(ctx context.Context, c *Checkup) {
	if info, err := os.Stat(a.KeyFile); err == nil && app.Exposed(info) {
		c.Add(Advice, "App", "others on this machine may read its key; run: chmod 600 %s", a.KeyFile)
	}
	known, err := a.Tokens.API().App(ctx)
	var refused *github.APIError
	switch {
	case errors.As(err, &refused) && (refused.Code == http.StatusUnauthorized || refused.Code == http.StatusNotFound):
		c.Add(Essential, "App", "%v; compare VIVARIUM_GITHUB_APP_ID with the App's settings, generate another key there "+
			"if this one was deleted, and look at this machine's clock", err)
		return
	case err != nil:
		c.Add(Advice, "App", "cannot be checked now: %v", err)
		return
	}
	installed, err := a.Tokens.API().Installations(ctx)
	if err != nil {
		c.Add(Advice, "App", "cannot be checked now: %v", err)
		return
	}
	for _, f := range judgeApp(known, installed, a) {
		c.Add(f.Level, f.What, "%s", f.Text)
	}
}

// permissions are those that the App needs.
func (a App) permissions() map[string]string {
	all := app.Wanted()
	if !a.Checks {
		delete(all, "checks")
	}
	return all
}

// judgeApp says what there is to do about an App and its installations.
func judgeApp(known github.App, installed []github.Installation, a App) (found []Finding) {
	add := func(l Level, format string, args ...any) {
		found = append(found, Finding{l, "App", fmt.Sprintf(format, args...)})
	}
	for _, name := range slices.Sorted(maps.Keys(a.permissions())) {
		if level := app.Wanted()[name]; !app.Enough(known.Permissions[name], level) {
			add(levelOf(name), "%s may not %s: give it the repository permission %s: %s, in its settings on GitHub", known.Slug,
				whatFor[name], permissionName(name), level)
		}
	}
	for _, event := range app.Events() {
		if !slices.Contains(known.Events, event) {
			add(eventLevel(event), "%s is not told of %s: subscribe to that event in its settings on GitHub", known.Slug, event)
		}
	}
	if !a.Secret {
		add(Advice, "set VIVARIUM_GITHUB_APP_WEBHOOK_SECRET to the webhook secret in its settings: without it the App's "+
			"deliveries are refused")
	}
	if len(installed) == 0 {
		add(Essential, "%s is installed nowhere: install it at %s/installations/new", known.Slug, known.HTMLURL)
	}
	for _, in := range installed {
		found = append(found, judgeInstallation(known, in, a)...)
	}
	if len(found) == 0 {
		text := fmt.Sprintf("%s may do what it needs, and is installed in %s", known.Slug, accounts(installed))
		if a.Personal {
			text += "; where it is not, GITHUB_TOKEN counts"
		}
		add(Fine, "%s", text)
	}
	return found
}

// judgeInstallation says what there is to do about one installation: an account's owner has to accept
// what the App asks for.
func judgeInstallation(known github.App, in github.Installation, a App) (found []Finding) {
	if in.SuspendedAt != nil {
		text := fmt.Sprintf("its installation in %s is suspended: nothing of it is built; an owner can lift that at %s",
			in.Account.Login, in.HTMLURL)
		found = append(found, Finding{Advice, "App", text})
	}
	var lacks []string
	for _, name := range slices.Sorted(maps.Keys(a.permissions())) {
		level := app.Wanted()[name]
		if app.Enough(known.Permissions[name], level) && !app.Enough(in.Permissions[name], level) {
			lacks = append(lacks, permissionName(name)+": "+level)
		}
	}
	if len(lacks) > 0 {
		text := fmt.Sprintf("%s has not accepted what it asks for (%s): an owner can at %s", in.Account.Login,
			strings.Join(lacks, ", "), in.HTMLURL)
		found = append(found, Finding{Advice, "App", text})
	}
	return found
}

// whatFor says what a permission is needed for.
var whatFor = map[string]string{
	"contents":      "read private repositories",
	"statuses":      "set commit statuses",
	"checks":        "write checks",
	"metadata":      "see repositories",
	"pull_requests": "be told of pull requests",
}

// levelOf is how much a permission matters: without these nothing is built or told.
func levelOf(permission string) Level {
	if permission == "contents" || permission == "statuses" || permission == "checks" {
		return Essential
	}
	return Advice
}

func eventLevel(event string) Level {
	if event == "push" {
		return Essential
	}
	return Advice
}

// permissionName is a permission as GitHub's pages show it.
func permissionName(name string) string {
	if name == "statuses" {
		return "Commit statuses"
	}
	return strings.ToUpper(name[:1]) + strings.ReplaceAll(name[1:], "_", " ")
}

// accounts names where an App is installed, the first few.
func accounts(installed []github.Installation) string {
	var names []string
	for i, in := range installed {
		if i == 3 {
			return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), len(installed)-i)
		}
		names = append(names, in.Account.Login)
	}
	return strings.Join(names, ", ")
}
