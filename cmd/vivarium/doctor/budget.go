package doctor

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"vivarium/server/store/outbox"
	"vivarium/server/store/outbox/budget"
)

// Budget shows how much of the limits on requests to GitHub is used.
func Budget(ctx context.Context, c *Checkup, o *outbox.Outbox, most budget.Limits) {
	if most == (budget.Limits{}) {
		c.Add(Fine, "budget", "nothing bounds what is sent to GitHub (VIVARIUM_GITHUB_BUDGET)")
		return
	}
	used, err := o.Used(ctx)
	if err != nil {
		c.Add(Essential, "budget", "%v", err)
		return
	}
	if len(used) == 0 {
		used = map[string]budget.Use{"": {}}
	}
	for _, account := range slices.Sorted(maps.Keys(used)) {
		u := used[account]
		level, text := Fine, ""
		if u.Hour >= most.Hour/2 {
			level, text = Advice, "; builds' beginnings are left out, their results are sent"
		}
		c.Add(level, "budget", "%s: %d of %d requests in the last hour, %d of %d in the last minute%s",
			cmp.Or(account, "GITHUB_TOKEN"), u.Hour, most.Hour, u.Minute, most.Minute, text)
	}
}
