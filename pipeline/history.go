package pipeline

import (
	"context"
	"strconv"

	"vivarium/sandbox/egress"
)

// maxHistory is how many commits back a history goes. A commit without its files takes some 300
// bytes.
const maxHistory = 20_000

// historyRef keeps what is fetched until its tags are there.
const historyRef = "refs/vivarium/history"

// completeHistory fetches what leads to the commit, where the plan needs it: commits and their
// folders, and the tags on them, but no contents of files that are not in the checkout.
func (a *attempt) completeHistory(ctx context.Context) error {
	g, ok := a.req.Source.(Git)
	if a.plan.History == "" || !ok {
		return nil
	}
	err := a.fetch(ctx, g, "--depth="+strconv.Itoa(maxHistory), "--filter=blob:none",
		egress.GitPath, "+"+g.SHA+":"+historyRef)
	if err != nil {
		return err
	}
	return a.git(ctx, git("update-ref", "-d", historyRef))
}
