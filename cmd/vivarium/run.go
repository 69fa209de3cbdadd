package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"vivarium/cmd/vivarium/console"
	"vivarium/cmd/vivarium/remote"
	"vivarium/cmd/vivarium/worktree"
	"vivarium/pipeline"
	"vivarium/pipeline/hosts"
)

func newRun(a *app) *cobra.Command {
	var ref string
	cmd := &cobra.Command{
		Use:   "run [PATH|URL]",
		Short: "Build a local working tree or a remote repository, here and now",
		Long: "Run builds a folder as it stands (uncommitted changes included, ignored files not) or\n" +
			"a repository on a git host, in a sandbox like any other build, without a server.\n" +
			"No program of the folder runs on this machine, only in the sandbox.\n\n" +
			"Exit codes: 0 passed; 1 failed, by the repository's doing; 2 could not be built, or was canceled.",
		Example: "  vivarium run\n  vivarium run examples/hello\n" +
			"  vivarium run https://github.com/OWNER/NAME --ref v1.2",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.run(cmd.Context(), append(args, ".")[0], ref)
		},
	}
	cmd.Flags().StringVar(&ref, "ref", "", "branch, tag, full ref name or full SHA of a URL (default: HEAD)")
	return cmd
}

// localBuild is one `vivarium run`.
type localBuild struct {
	config  config
	console *console.Console
	started time.Time
}

func (a *app) run(ctx context.Context, target, ref string) error {
	c, err := a.environment()
	if err != nil {
		return err
	}
	b := &localBuild{
		config:  c,
		console: console.New(a.stdout, console.TerminalOf(a.stdout, a.environ), secretsOf(c)),
		started: time.Now(),
	}
	src, close, err := b.source(ctx, target, ref)
	if failure := (*remote.Error)(nil); errors.As(err, &failure) {
		return b.end(cloneFailed(failure, b.started))
	}
	if ctx.Err() != nil {
		return errors.New("canceled before the build began")
	}
	if err != nil {
		return err
	}
	defer close()
	return a.buildHere(ctx, b, src)
}

// buildHere runs the build while the console draws the progress line.
func (a *app) buildHere(ctx context.Context, b *localBuild, src titledSource) error {
	log := slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	cache, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("cannot find a folder for the package cache: %w; set HOME", err)
	}
	b.config.workers = 1
	w, err := openWorkshop(ctx, b.config, filepath.Join(cache, "vivarium", "index"), log)
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := w.images.Ensure(ctx, w.image, a.stderr); err != nil {
		return fmt.Errorf("cannot get the runner image %s: %w", w.image, err)
	}

	var outcome pipeline.Outcome
	buildCtx, end := cancelable(ctx)
	defer end()
	watch, stop := context.WithCancel(ctx)
	var group errgroup.Group
	group.Go(func() error { b.console.Run(watch); return nil })
	group.Go(func() (err error) {
		defer stop()
		outcome, err = w.runner(localInstance).Run(buildCtx, w.request(src), b.console)
		return err
	})
	if err := group.Wait(); err != nil {
		return fmt.Errorf("cannot finish the build: %w", err)
	}
	return b.end(outcome)
}

// localInstance labels the containers of `vivarium run`. They end with the process, and no server's
// sweep takes them for its own.
const localInstance = "run"

// cancelable makes the context of a build: when ctx ends, the build is canceled by the user.
func cancelable(ctx context.Context) (context.Context, func()) {
	buildCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { cancel(pipeline.ErrCanceled) })
	return buildCtx, func() { stop(); cancel(nil) }
}

// end shows the summary and gives the exit code.
func (b *localBuild) end(o pipeline.Outcome) error {
	if err := b.console.End(o, time.Since(b.started)); err != nil {
		return err
	}
	if code := o.ExitCode(); code != exitOK {
		return exitError(code)
	}
	return nil
}

// titledSource is what is built, and its title.
type titledSource struct {
	pipeline.Source
	title string
}

// source finds what target names: a URL, else a folder.
func (b *localBuild) source(ctx context.Context, target, ref string) (titledSource, func(), error) {
	if strings.Contains(target, "://") {
		src, err := b.remote(ctx, target, ref)
		return src, func() {}, err
	}
	if ref != "" {
		return titledSource{}, nil, errors.New("cannot use --ref with a folder: it is built as it stands; give a " +
			"URL, or check the ref out")
	}
	info, err := os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return titledSource{}, nil, fmt.Errorf("cannot build %s: there is no such folder; name a folder or a URL",
			target)
	case err != nil:
		return titledSource{}, nil, fmt.Errorf("cannot build %s: %w", target, err)
	case !info.IsDir():
		return titledSource{}, nil, fmt.Errorf("cannot build %s: it is a file; name the folder that holds it", target)
	}
	tree, err := worktree.Open(target, worktree.Limits{Bytes: b.config.build.Limits.Disk, Files: worktree.MaxFiles})
	if err != nil {
		return titledSource{}, nil, err
	}
	source := pipeline.Tree{Open: tree.Open, History: tree.History()}
	src := titledSource{Source: source, title: target + ", as it stands"}
	return src, func() { tree.Close() }, nil
}

func (b *localBuild) remote(ctx context.Context, target, ref string) (titledSource, error) {
	repo, err := remote.ParseURL(target)
	if err != nil {
		return titledSource{}, err
	}
	src := pipeline.Git{URL: repo, Repo: strings.TrimSuffix(strings.Trim(repo.Path, "/"), ".git")}
	if hosts.Origin(repo) == hosts.Origin(b.config.serverURL) { // a token for one origin is for no other
		src.Tokens = pipeline.FixedToken(b.config.token)
	}
	r := remote.Resolver{Repo: src, Pause: time.Second, Retry: func(err error) {
		_ = b.console.Say(fmt.Sprintf("cannot reach %s: %v; trying again", repo.Host, err))
	}}
	src.SHA, err = r.Resolve(ctx, ref)
	title := fmt.Sprintf("%s at %s", repo, src.SHA)
	if failure := (*remote.Error)(nil); errors.As(err, &failure) && !failure.Served {
		// The build goes on, to the point where git itself says why. No object has the null ID, so
		// nothing is built by mistake if the host answers after all.
		src.SHA = plumbing.ZeroHash.String()
		title, err = fmt.Sprintf("%s: the host did not say which commit to build: %v", repo, failure), nil
	}
	return titledSource{Source: src, title: title}, err
}

// cloneFailed is the outcome when the repository has no such commit.
func cloneFailed(err *remote.Error, started time.Time) pipeline.Outcome {
	o := pipeline.Outcome{State: pipeline.Errored, Cause: pipeline.CauseClone, Summary: err.Error()}
	for _, name := range pipeline.StepNames {
		s := pipeline.Step{Name: name, State: pipeline.StepSkipped}
		if name == pipeline.StepClone {
			s = pipeline.Step{Name: name, State: pipeline.StepErrored, Cause: pipeline.CauseClone, Note: o.Summary,
				StartedAt: started, EndedAt: time.Now()}
		}
		o.Steps = append(o.Steps, s)
	}
	return o
}
