package doctor

import (
	"context"
	"maps"
	"slices"
	"strings"

	"vivarium/server/notify"
	"vivarium/server/store/notices"
)

// Notify shows who is told when a branch turns, and what has kept the last message from them.
func Notify(ctx context.Context, c *Checkup, n *notices.Notices, targets []notify.Target, mail bool) {
	if len(targets) == 0 {
		c.Add(Fine, "notify", "nobody is told when a branch turns red (VIVARIUM_NOTIFY)")
		return
	}
	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = t.Name()
		if t.Kind == notify.Email && !mail {
			c.Add(Advice, "notify", "%s gets no e-mail: set VIVARIUM_SMTP", t.Name())
		}
	}
	trouble, err := n.Trouble(ctx)
	if err != nil {
		c.Add(Essential, "notify", "%v", err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(trouble)) {
		if slices.Contains(names, name) {
			c.Add(Advice, "notify", "the last message to %s is not there: %s", name, trouble[name])
		}
	}
	c.Add(Fine, "notify", "told when a branch turns: %s", strings.Join(names, ", "))
}
