package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vivarium/images"
	"vivarium/pipeline/gitline"
	"vivarium/pipeline/lastwords"
	"vivarium/pipeline/notes"
	"vivarium/pipeline/pace"
	"vivarium/pipeline/token"
	"vivarium/sandbox"
	"vivarium/sandbox/egress"
	"vivarium/sandbox/quantity"
)

// fetchPauses are the pauses before each further try when the git host did not answer.
var fetchPauses = []time.Duration{time.Second}

func (a *attempt) cloneCommand() string {
	if g, ok := a.req.Source.(Git); ok {
		return fmt.Sprintf("git fetch %s %.40s", g.URL.Redacted(), g.SHA)
	}
	return "copy the working tree"
}

// clone brings the code into a sandbox that starts from the guessed image.
func (a *attempt) clone(ctx context.Context) (string, error) {
	if err := a.say(ctx, a.req.Title); err != nil {
		return "", err
	}
	if err := a.findImage(ctx); err != nil {
		return "", err
	}
	a.begun = time.Now()
	a.deadline = a.begun.Add(a.limits.Timeout)
	return "", a.checkOut(ctx)
}

// checkOut starts a sandbox and brings the code into it.
func (a *attempt) checkOut(ctx context.Context) error {
	ctx, cancel := a.bound(ctx)
	defer cancel()
	if err := a.say(ctx, fmt.Sprintf("Sandbox from image %s (Python %s)", a.image.Name, a.image.Python)); err != nil {
		return err
	}
	err := a.start(ctx)
	if errors.Is(err, sandbox.ErrNoImage) {
		if err = a.findImageAgain(ctx); err == nil {
			err = a.start(ctx)
		}
	}
	if err != nil {
		return err
	}
	if err := a.fetchOverlay(ctx); err != nil {
		return err
	}
	if err := a.bring(ctx); err != nil {
		return err
	}
	return a.lay(ctx)
}

// bring brings the code into the sandbox.
func (a *attempt) bring(ctx context.Context) error {
	switch src := a.req.Source.(type) {
	case Git:
		return a.fetchCommit(ctx, src, sandbox.Workspace)
	case Tree:
		return a.copyTree(ctx, src)
	}
	return fail(CauseInternal, "a source of type %T is not known", a.req.Source)
}

// findImage finds the image that was asked for. Only the default image is built when it is missing.
// Any other image was a guess: when it is gone, the plan chooses again.
func (a *attempt) findImage(ctx context.Context) error {
	image, err := a.resolve(ctx, a.req.Image)
	if errors.Is(err, images.ErrNotFound) {
		w := &notes.Lines{Say: func(line string) error { return a.say(ctx, line) }}
		image, err = a.runner.Images.Ensure(ctx, images.Default, w)
		if w.Err != nil {
			return w.Err
		}
	}
	if err != nil {
		return imageTrouble("runner image "+a.req.Image, err)
	}
	a.image = image
	return nil
}

func git(name string, args ...string) command {
	return command{
		Command: gitline.Command(name, args...),
		name:    "git " + name,
		echo:    strings.Join(append([]string{"git", name}, args...), " "),
	}
}

// in is a command that runs in a folder.
func (c command) in(dir string) command {
	c.Dir = dir
	return c
}

// git runs one git command that must succeed.
func (a *attempt) git(ctx context.Context, c command) error {
	var words lastwords.Reader
	if c.tap == nil {
		c.tap = words.Take
	}
	r, err := a.run(ctx, c)
	if err != nil {
		return err
	}
	if cause, note := stepCause(a.step.Name, c.name, r, a.limits, words.Said()); cause != "" {
		return fail(cause, "%s", note)
	}
	return nil
}

// fetchCommit fetches exactly one commit and checks it out in dir.
func (a *attempt) fetchCommit(ctx context.Context, g Git, dir string) error {
	if !gitline.CommitID.MatchString(g.SHA) {
		return fail(CauseClone, "%q is not the whole ID of a commit", g.SHA)
	}
	init := gitline.InitFor(g.SHA)
	if dir != sandbox.Workspace {
		init = append(init, dir) // which is not there yet
	}
	if err := a.git(ctx, git("init", init...)); err != nil {
		return err
	}
	if err := a.fetch(ctx, g, dir, "--depth=1", "--no-tags", egress.GitPath, g.SHA); err != nil {
		return err
	}
	if err := a.git(ctx, git("checkout", "--detach", g.SHA).in(dir)); err != nil {
		return err
	}
	var head strings.Builder
	parse := git("rev-parse", "HEAD", "HEAD^{tree}").in(dir)
	parse.tap = func(stream sandbox.Stream, p []byte) {
		if stream == sandbox.Stdout && head.Len() < 2*(len(g.SHA)+1) {
			head.Write(p)
		}
	}
	if err := a.git(ctx, parse); err != nil {
		return err
	}
	commit, tree, _ := strings.Cut(strings.TrimSpace(head.String()), "\n")
	if commit != g.SHA {
		return fail(CauseClone, "the checkout is at another commit than %s", g.SHA)
	}
	if dir == sandbox.Workspace && gitline.CommitID.MatchString(tree) {
		a.ranWith.Tree = tree
	}
	return nil
}

// fetch fetches into the repository in dir, and tries once more when the host did not answer.
// Longer trouble is waited for without a sandbox. Among the arguments of git fetch, the repository
// is egress.GitPath.
func (a *attempt) fetch(ctx context.Context, g Git, dir string, args ...string) error {
	for try := 0; ; try++ {
		again, err := a.fetchOnce(ctx, g, dir, args)
		if err == nil || !again || try == len(fetchPauses) {
			return err
		}
		pause := fetchPauses[try]
		line := fmt.Sprintf("Try %d of %d failed; the next one in %s",
			try+1, len(fetchPauses)+1, quantity.Duration(pause))
		if err := a.say(ctx, line); err != nil {
			return err
		}
		if err := pace.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// fetchOnce opens the repository to the sandbox for one git fetch, and reports whether
// to try again at once.
func (a *attempt) fetchOnce(ctx context.Context, g Git, dir string, args []string) (again bool, err error) {
	secret, err := g.Token(ctx)
	if err != nil {
		return false, failOutside(CauseClone, "%v", err)
	}
	defer token.Release(g.Tokens, secret)
	proxy := egress.NewGit(egress.GitConfig{Upstream: g.URL, Token: secret, MaxBytes: a.limits.Disk})
	service, err := a.sandbox.Offer(ctx, "git", proxy)
	if err != nil {
		return false, err
	}
	args = slices.Clone(args)
	args[slices.Index(args, egress.GitPath)] = service.URL + egress.GitPath
	err = a.git(ctx, git("fetch", args...).in(dir))
	closed := service.Close()
	if err == nil {
		return false, closed
	}
	if upstream := proxy.Failure(); upstream != nil {
		if err := a.say(ctx, "git proxy: "+upstream.Message); err != nil {
			return false, err
		}
	}
	return blameGitHost(err, proxy.Failure(), g)
}

// copyTree unpacks the working tree. A fault of the tree itself is its owner's, like that of a
// repository that cannot be cloned.
func (a *attempt) copyTree(ctx context.Context, t Tree) error {
	tar, err := t.Open(ctx)
	if err != nil {
		return treeError(ctx, err)
	}
	defer tar.Close()
	if err := a.sandbox.PutArchive(ctx, sandbox.Workspace, tar); err != nil {
		return a.putError(ctx, err)
	}
	return nil
}

// putError says what it means that an archive could not be unpacked.
func (a *attempt) putError(ctx context.Context, err error) error {
	var lost *sandbox.LostError
	var refused *sandbox.GuestError
	switch {
	case errors.As(err, &lost):
		return err
	case errors.As(err, &refused) && refused.NoSpace:
		return fail(CauseDiskFull, "disk full: the working tree does not fit, %s and %d files limit over all",
			quantity.Bytes(a.limits.Disk), a.limits.Inodes)
	}
	return treeError(ctx, err)
}

func treeError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fail(CauseClone, "copy the working tree: %v", err)
}
