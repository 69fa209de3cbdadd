package doctor

import (
	"context"
	"net/http"

	"vivarium/server/github"
)

// Deliveries says whether deliveries that do not arrive can be asked for again, by the webhook of one
// repository.
func Deliveries(ctx context.Context, c *Checkup, client *github.Client, repo, hookURL string) {
	id, err := github.Webhooks{Client: client}.HookFor(ctx, repo, hookURL)
	switch {
	case github.IsRefused(err, http.StatusNotFound, http.StatusForbidden, http.StatusUnauthorized):
		c.Add(Advice, "deliveries", "what GitHub cannot deliver is not asked for again: the token may not read the "+
			"webhooks of %s; give it *Webhooks* read and write (classic: admin:repo_hook), or set VIVARIUM_POLL", repo)
	case err != nil:
		c.Add(Advice, "deliveries", "%v", err)
	case id == 0:
		c.Add(Advice, "deliveries", "%s has no webhook for %s: `vivarium repos add --hooks` makes one, or set VIVARIUM_POLL",
			repo, hookURL)
	default:
		c.Add(Fine, "deliveries", "what GitHub cannot deliver is asked for again, as for %s", repo)
	}
}
