package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"vivarium/cmd/vivarium/console"
	"vivarium/cmd/vivarium/credentials"
	"vivarium/cmd/vivarium/datadir"
	"vivarium/cmd/vivarium/personaltoken"
	"vivarium/sandbox/capacity"
	"vivarium/sandbox/egress"
	"vivarium/server"
	"vivarium/server/dispatch"
	"vivarium/server/github"
	"vivarium/server/https"
	"vivarium/server/notify/post"
	"vivarium/server/registry"
	"vivarium/server/store"
	"vivarium/server/store/database"
)

// sweepInterval is how often the server looks for containers that outlived their build.
const sweepInterval = time.Minute

func newServe(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Take webhooks, build what is pushed, and show the builds",
		Long: "Serve takes GitHub's webhooks at /webhook, builds each pushed commit in a sandbox, sets\n" +
			"its commit status and shows logs as they grow. Settings are read from the environment\n" +
			"and from .env; .env.sample lists them.",
		Example: "  vivarium repos add --new OWNER/NAME\n  GITHUB_TOKEN=... " +
			"VIVARIUM_PUBLIC_URL=https://ci.example.org vivarium serve",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context()) },
	}
}

// daemon is a running `vivarium serve`.
type daemon struct {
	*workshop
	store      *store.Store
	dispatcher *dispatch.Dispatcher
	instance   string
	key        []byte // the operator's
	tokens     *credentials.Source
	stdout     io.Writer // for what must not be in the log

	forkIndex *egress.Index // for the code of forks

	watch    *capacity.Watch
	locked   chan struct{} // closed when the store works: no other server uses this data
	selfTest *selfTest
}

func (a *app) serve(ctx context.Context) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	if err := checkLetIn(c); err != nil {
		return err
	}
	if err := c.tls.Check(); err != nil {
		return fmt.Errorf("cannot serve: %w", err)
	}
	collectOften()
	log := console.NewLogger(a.stderr, console.TerminalOf(a.stderr, a.environ), c.logFormat)
	s := &daemon{stdout: a.stdout, locked: make(chan struct{}), selfTest: newSelfTest()}
	personal := personaltoken.New(a.environ, c.token, log)
	s.tokens, err = credentials.New(c.githubApp, c.apiURL.String(), c.checks, personal, log)
	if err != nil {
		return fmt.Errorf("cannot serve: %w", err)
	}
	defer s.tokens.Close()
	if err := datadir.Make(c.dataDir); err != nil {
		return err
	}
	if s.instance, err = datadir.Instance(c.dataDir); err != nil {
		return err
	}
	if s.key, err = operatorKey(c); err != nil {
		return err
	}
	if s.workshop, err = openWorkshop(ctx, c, filepath.Join(c.dataDir, "index"), log); err != nil {
		return err
	}
	defer s.workshop.Close()
	if s.forkIndex, err = openForkIndex(c); err != nil {
		return err
	}
	if s.store, err = openStore(ctx, c, database.Migrate, log); err != nil {
		return err
	}
	defer s.store.Close()
	if err := checkRegistry(ctx, c, s.store); err != nil {
		return err
	}
	s.watch = capacity.NewWatch(s.engine, s.tellEngine)
	defer s.watch.Close()
	s.dispatcher = s.newDispatcher(log)
	return s.run(ctx)
}

func (s *daemon) newDispatcher(log *slog.Logger) *dispatch.Dispatcher {
	return &dispatch.Dispatcher{
		Run:       s.runner(s.instance).Run,
		Builds:    s.store,
		ServerURL: s.config.serverURL,
		Tokens:    s.tokens,
		Settings:  s.settings,
		Variables: s.variables,
		Forks:     s.forks(),
		Secrets:   s.secrets,
		Log:       log,
	}
}

var errNobodyLetIn = errors.New("cannot serve: no repository is let in, so nothing would be built; `vivarium repos " +
	"add OWNER/NAME` (--new before the first start) lets one in by a " +
	"secret of its own, GITHUB_WEBHOOK_SECRET with VIVARIUM_REPOSITORIES=OWNER/* all of a team that trusts itself " +
	"by one secret")

// checkLetIn refuses settings with which nothing could ever be built. Before the first start there
// is no registry yet.
func checkLetIn(c config) error {
	if (c.webhookSecret == "") != (len(c.repositories) == 0) {
		return errors.New("cannot serve: GITHUB_WEBHOOK_SECRET and VIVARIUM_REPOSITORIES go together; set both, or " +
			"neither and use `vivarium repos add`")
	}
	if c.githubApp.Secret != "" && string(c.githubApp.Secret) == string(c.webhookSecret) {
		return errors.New("cannot serve: VIVARIUM_GITHUB_APP_WEBHOOK_SECRET and GITHUB_WEBHOOK_SECRET are the same, and " +
			"only GitHub and you may know the App's: give the App another one")
	}
	if c.webhookSecret != "" || c.databaseURL != "" {
		return nil
	}
	if !datadir.HasDatabase(c.dataDir) {
		return errNobodyLetIn
	}
	return nil
}

// checkRegistry refuses an empty registry when there is no shared secret either.
func checkRegistry(ctx context.Context, c config, s *store.Store) error {
	entries, err := s.Entries.List(ctx)
	if err != nil {
		return fmt.Errorf("cannot serve: %w", err)
	}
	if c.webhookSecret == "" && letIn(entries) == 0 {
		return errNobodyLetIn
	}
	return nil
}

// collectOften starts a collection when the heap has grown by half, unless GOGC says otherwise. A
// server uses some 20 MiB, so a collection costs little; without this, a flood of log or packages
// doubled the server's memory.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// letIn counts the entries that let something in: a repository that was only seen has no right of
// its own.
func letIn(entries []registry.Entry) (n int) {
	for _, e := range entries {
		if e.Kind != registry.Seen {
			n++
		}
	}
	return n
}

func openStore(ctx context.Context, c config, schema database.Schema, log *slog.Logger) (*store.Store, error) {
	s, err := store.Open(ctx, store.Options{
		DataDir: c.dataDir, DatabaseURL: string(c.databaseURL), Log: log, DefaultBranchFirst: c.defaultBranchFirst,
		QueueLimit: c.queueLimit, Supersede: c.supersede, Schema: schema, Checks: c.checks && c.githubApp.IsSet(),
		Notify: c.notify,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot open the database: %w", err)
	}
	return s, nil
}

// run works until ctx ends. Everything that lives as long as the server is in one group: when one
// member ends, all do.
func (s *daemon) run(ctx context.Context) error {
	client, err := githubClientOf(s.config, s.tokens)
	if err != nil {
		return err
	}
	defer client.Close()
	s.dispatcher.Compare = client.Compare
	config := s.serverConfig()
	config.NameOf = client.NameOf
	if s.config.token != "" || s.config.githubApp.IsSet() {
		config.GitHub = client
	}
	web, err := server.New(config, s.store)
	if err != nil {
		return fmt.Errorf("cannot serve: %w", err)
	}
	work := s.work(client)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.serveStore(ctx, work) })
	group.Go(func() error {
		if !wait(ctx, s.locked) {
			return nil
		}
		if err := s.showFirstToken(ctx); err != nil {
			return fmt.Errorf("cannot serve: %w", err)
		}
		if err := web.Run(ctx); err != nil {
			return fmt.Errorf("cannot serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		if !wait(ctx, s.locked) {
			return nil
		}
		return s.prepare(ctx)
	})
	group.Go(func() error {
		if wait(ctx, s.locked) {
			s.asker(client).Run(ctx)
		}
		return nil
	})
	return group.Wait()
}

// wait waits for c and reports whether it came before ctx ended.
func wait(ctx context.Context, c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *daemon) serveStore(ctx context.Context, work store.Work) error {
	if err := s.store.Serve(ctx, work, func() { close(s.locked) }); err != nil && ctx.Err() == nil {
		return fmt.Errorf("cannot serve: %w", err)
	}
	return nil
}

// prepare makes builds possible, then sweeps until ctx ends. Meanwhile the server accepts webhooks.
func (s *daemon) prepare(ctx context.Context) error {
	// With the lock of the embedded database no other server runs containers of this instance; with
	// PostgreSQL nothing guarantees that.
	s.sweep(ctx, s.config.databaseURL == "")
	image, err := s.images.Ensure(ctx, s.image, logWriter{s.log})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("cannot get the runner image %s: %w", s.image, err)
	}
	if !s.awaitPosture(ctx, image) {
		return nil
	}
	s.log.InfoContext(ctx, "ready", "image", image.Name, "python", image.Python, "workers", s.workers,
		"engine", s.engine.Info().Version, "instance", s.instance)

	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.sweep(ctx, false)
		}
	}
}

func (s *daemon) sweep(ctx context.Context, all bool) {
	n, err := s.engine.Sweep(ctx, s.instance, all)
	switch {
	case err != nil && ctx.Err() == nil:
		s.log.WarnContext(ctx, "left-over containers not removed", "err", err)
	case n > 0:
		s.log.InfoContext(ctx, "left-over containers removed", "count", n)
	}
}

func (s *daemon) serverConfig() server.Config {
	c := server.Config{
		Addr:           s.config.addr,
		TrustedProxies: s.config.trustedProxies,
		TLS:            tlsOf(s.config),
		ServerURL:      s.config.serverURL.String(),
		WebhookSecret:  s.config.webhookSecret,
		AppSecret:      s.config.githubApp.Secret,
		Installed:      s.tokens.Changed,
		Repositories:   s.config.repositories,
		Key:            server.Secret(s.key),
		PublicBuilds:   s.config.publicBuilds,
		Tags:           s.config.tags,
		Forks:          s.config.forks,
		Version:        readBuild().version,
		Ready:          func(context.Context) error { return s.selfTest.reason() },
		Conditions:     []server.Condition{{Name: "engine", Look: s.engineAnswers}},
		Log:            s.log,
	}
	if s.config.publicURL != nil {
		c.PublicURL = s.config.publicURL.String()
	}
	return c
}

// tlsOf adds the folder for issued certificates to the TLS settings.
func tlsOf(c config) https.Settings {
	t := c.tls
	t.CacheDir = filepath.Join(c.dataDir, "certificates")
	return t
}

// work tells the store how to run a build. It says once, here, what the operator has left out.
func (s *daemon) work(client *github.Client) store.Work {
	admission := capacity.NewAdmission(
		s.engine, s.watch, s.instance, s.settings.Limits.Limits, s.config.memoryReserve, s.log)
	w := store.Work{
		Workers: s.workers,
		Ready: func(ctx context.Context) func() {
			wait(ctx, s.selfTest.passed)
			return admission.Enter(ctx)
		},
		Build:         s.dispatcher.Build,
		Patience:      s.config.patience,
		Probe:         s.probe,
		StatusContext: s.config.statusContext,
		TargetURL:     s.serverConfig().BuildURL,
		LogLimit:      s.settings.KeptLog,
		Secrets:       s.secrets,
		RepoWorkers:   s.config.repoWorkers,
		KeepAuthors:   s.config.keepAuthors,
		Budget:        s.config.sendsAtMost(),
		Messenger:     post.New(string(s.config.notifySecret), s.config.smtp, readBuild().version),
	}
	if s.config.publicURL == nil {
		s.log.Warn("VIVARIUM_PUBLIC_URL is not set: commit statuses do not link to their builds")
	}
	if s.config.token == "" && !s.config.githubApp.IsSet() {
		s.log.Warn("GITHUB_TOKEN is not set: builds run, but no commit status is sent, and private repositories " +
			"cannot be read")
		return w
	}
	w.Reporter, w.Checker = client, client
	w.Credential, w.CredentialFor, w.Account = s.tokens.Fingerprint, s.tokens.FingerprintFor, s.tokens.Account
	return w
}

// secrets are the values that no log may hold, the present tokens among them.
func (s *daemon) secrets() []string { return append(secretsOf(s.config), s.tokens.Secrets()...) }

// githubClient is for a short-lived command, whose personal token does not change.
func githubClient(c config) (*github.Client, error) {
	tokens, err := tokensOf(c)
	if err != nil {
		return nil, err
	}
	return githubClientOf(c, tokens)
}

func tokensOf(c config) (*credentials.Source, error) {
	return credentials.New(c.githubApp, c.apiURL.String(), c.checks, personaltoken.Fixed(c.token),
		slog.New(slog.DiscardHandler))
}

func githubClientOf(c config, tokens github.TokenSource) (*github.Client, error) {
	if err := github.CheckToken(string(c.token)); err != nil {
		return nil, fmt.Errorf("cannot use GITHUB_TOKEN: %w", err)
	}
	client, err := github.New(github.Config{APIURL: c.apiURL.String(), Tokens: tokens})
	if err != nil {
		return nil, fmt.Errorf("cannot use GITHUB_API_URL: %w", err)
	}
	return client, nil
}

// logWriter passes lines of progress to the log.
type logWriter struct{ log *slog.Logger }

func (w logWriter) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if line = strings.TrimSpace(line); line != "" {
			w.log.Info("runner image", "progress", line)
		}
	}
	return len(p), nil
}
