package doctor

import (
	"maps"
	"strings"
	"testing"
	"time"

	"vivarium/server/github"
	"vivarium/server/github/app"
)

// TestEachPermissionOfAnAppIsChecked: one that is missing is named with what it is for.
func TestEachPermissionOfAnAppIsChecked(t *testing.T) {
	good := github.App{
		Slug: "viv", HTMLURL: "https://github.com/apps/viv", Permissions: app.Wanted(), Events: app.Events(),
	}
	in := github.Installation{Permissions: app.Wanted(), HTMLURL: "https://github.com/settings/installations/1"}
	in.Account.Login = "octo"
	all := App{Secret: true, Checks: true}
	one := []github.Installation{in}
	if got := judgeApp(good, one, all); len(got) != 1 || got[0].Level != Fine || !strings.Contains(got[0].Text, "octo") {
		t.Errorf("with all: %+v", got)
	}
	both := all
	both.Personal = true
	if got := judgeApp(good, one, both); !strings.Contains(got[0].Text, "where it is not, GITHUB_TOKEN counts") {
		t.Errorf("beside a personal token: %+v", got)
	}
	for name := range app.Wanted() {
		less := good
		less.Permissions = maps.Clone(good.Permissions)
		delete(less.Permissions, name)
		if got := judgeApp(less, one, all); len(got) != 1 || got[0].Level == Fine ||
			!strings.Contains(got[0].Text, whatFor[name]) || !strings.Contains(got[0].Text, permissionName(name)) {
			t.Errorf("the App without %s: %+v", name, got)
		}
		lacking := in
		lacking.Permissions = less.Permissions
		if got := judgeApp(good, []github.Installation{lacking}, all); len(got) != 1 || got[0].Level != Advice ||
			!strings.Contains(got[0].Text, "octo has not accepted") {
			t.Errorf("octo without %s: %+v", name, got)
		}
	}
	deaf := good
	deaf.Events = nil
	if got := judgeApp(deaf, one, all); len(got) != len(app.Events()) || got[0].Level != Essential {
		t.Errorf("told of nothing: %+v", got)
	}
	if got := judgeApp(good, nil, all); len(got) != 1 || got[0].Level != Essential ||
		!strings.Contains(got[0].Text, "installations/new") {
		t.Errorf("installed nowhere: %+v", got)
	}
	less := good
	less.Permissions = map[string]string{"contents": "read", "statuses": "write", "metadata": "read",
		"pull_requests": "read"}
	if got := judgeApp(less, one, App{Secret: true}); len(got) != 1 || got[0].Level != Fine {
		t.Errorf("without checks, which nobody wants: %+v", got)
	}
	if got := judgeApp(good, one, App{}); len(got) != 1 || !strings.Contains(got[0].Text, "WEBHOOK_SECRET") {
		t.Errorf("without a webhook secret: %+v", got)
	}
	now := time.Now()
	in.SuspendedAt = &now
	if got := judgeApp(good, []github.Installation{in}, all); len(got) != 1 ||
		!strings.Contains(got[0].Text, "suspended") {
		t.Errorf("suspended: %+v", got)
	}
}
