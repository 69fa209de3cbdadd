package pipeline

import (
	"context"
	"fmt"
	"strconv"

	"vivarium/pipeline/termtext"
	"vivarium/sandbox"
	"vivarium/sandbox/egress"
)

// maxHistory is how many commits back a history goes. A commit without its files takes some 300
// bytes.
const maxHistory = 20_000

// historyRef keeps what is fetched until its tags are there.
const historyRef = "refs/vivarium/history"

// packFile is where Tree.History has the objects.
const packFile = ".git/objects/pack/pack-0000000000000000000000000000000000000000.pack"

// hasHistory reports whether the history of what is built can be had.
func hasHistory(s Source) bool {
	t, isTree := s.(Tree)
	return !isTree || t.History != nil
}

// completeHistory brings what leads to the commit, where the plan needs it: commits and the tags on
// them.
func (a *attempt) completeHistory(ctx context.Context) error {
	if a.plan.History == "" {
		return nil
	}
	switch src := a.req.Source.(type) {
	case Git:
		return a.fetchHistory(ctx, src)
	case Tree:
		return a.copyHistory(ctx, src)
	}
	return nil
}

// fetchHistory fetches commits and their folders, but no contents of files that are not in the
// checkout.
func (a *attempt) fetchHistory(ctx context.Context, g Git) error {
	err := a.fetch(ctx, g, sandbox.Workspace, "--depth="+strconv.Itoa(maxHistory), "--filter=blob:none",
		egress.GitPath, "+"+g.SHA+":"+historyRef)
	if err != nil {
		return err
	}
	return a.git(ctx, git("update-ref", "-d", historyRef))
}

// copyHistory makes a repository of the working tree, at its commit. What of its repository cannot be
// read is said, and the build goes on without: its owner's git may know more than ours.
func (a *attempt) copyHistory(ctx context.Context, t Tree) error {
	tar, err := t.History(ctx)
	if err != nil {
		return a.say(ctx, termtext.Line(fmt.Sprintf("Tags and history are not there: %v", err)))
	}
	defer tar.Close()
	if err := a.sandbox.PutArchive(ctx, sandbox.Workspace, tar); err != nil {
		return a.putError(ctx, err)
	}
	for _, c := range []command{
		git("init", "--template="), git("index-pack", packFile), git("read-tree", "HEAD"),
	} {
		if err := a.git(ctx, c); err != nil {
			return err
		}
	}
	return nil
}
