package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"vivarium/cmd/vivarium/console"
	"vivarium/cmd/vivarium/datadir"
	"vivarium/cmd/vivarium/doctor"
	"vivarium/cmd/vivarium/dotenv"
	"vivarium/sandbox"
	"vivarium/sandbox/posture"
	"vivarium/sandbox/quantity"
	"vivarium/server/registry"
	"vivarium/server/store/database"

	"github.com/spf13/cobra"
)

func newDoctor(a *app) *cobra.Command {
	var commit string
	var health bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check that this machine and its settings can build",
		Long: "Doctor prints a line for each check: ok, or what to do. It starts one sandbox and looks at\n" +
			"it from inside. It changes nothing, unless --github asks it to set a commit status on a\n" +
			"commit and to read it back. --health asks only whether the server that the settings\n" +
			"describe answers on this machine.\n\n" +
			"Exit codes: 0 the server can work; 1 something essential is missing.",
		Example: "  vivarium doctor\n  vivarium doctor --github OWNER/NAME@SHA\n  vivarium doctor --health",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := a.newCheckup()
			if health {
				return c.run(func() { doctor.Health(cmd.Context(), c.Checkup, c.config.addr, c.config.tls) })
			}
			return c.run(func() { c.everything(cmd.Context(), commit) })
		},
	}
	cmd.Flags().BoolVar(&health, "health", false,
		"ask only whether the server answers (for a container's health check)")
	cmd.Flags().StringVar(&commit, "github", "", "set a status on this commit, as OWNER/NAME@SHA, and read it back")
	cmd.MarkFlagsMutuallyExclusive("health", "github")
	return cmd
}

// checkup is one run of the doctor on these settings.
type checkup struct {
	*doctor.Checkup
	config config
}

func (a *app) newCheckup() *checkup {
	t := console.TerminalOf(a.stdout, a.environ)
	c := &checkup{Checkup: doctor.New(func(f doctor.Finding) {
		colour := map[doctor.Level]string{
			doctor.Fine: console.Green, doctor.Advice: console.Yellow, doctor.Essential: console.Red,
		}[f.Level]
		fmt.Fprintf(a.stdout, "%s %-12s %s\n", t.Dye(colour, fmt.Sprintf("%-4s", f.Level)), f.What, f.Text)
	})}
	file, err := dotenv.Read()
	if err != nil {
		c.Add(doctor.Essential, "settings", "%v", err)
	}
	var problems []error
	c.config, problems = readConfig(a.environ, file)
	for _, p := range problems {
		c.Add(doctor.Essential, "settings", "%v", p)
	}
	return c
}

// run runs checks and gives the exit code. Wrong settings would mislead all checks, so they end the
// run.
func (c *checkup) run(checks func()) error {
	if !c.Failed() {
		checks()
	}
	if c.Failed() {
		return exitError(exitNo)
	}
	return nil
}

func (c *checkup) everything(ctx context.Context, commit string) {
	c.Add(doctor.Fine, "settings", "every name and value is known")
	doctor.Dotenv(c.Checkup)
	doctor.DataDir(c.Checkup, c.config.dataDir)
	doctor.Listening(c.Checkup, c.config.addr, c.config.tls, c.config.publicURL)
	doctor.Forks(c.Checkup, c.config.forks, c.config.build.Runtime, c.config.token != "")
	c.engine(ctx)
	c.github(ctx, commit)
	c.database(ctx)
}

// checkTimeout bounds what is asked of one host.
const checkTimeout = 15 * time.Second

// engine checks the Docker Engine and its images.
func (c *checkup) engine(ctx context.Context) {
	short, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	quiet := slog.New(slog.DiscardHandler)
	e, err := connectEngine(short, quiet)
	if err != nil {
		c.Add(doctor.Essential, "engine", "%v", err)
		return
	}
	defer e.Close()
	info, runtime := e.Info(), c.config.build.Runtime
	doctor.Engine(c.Checkup, info, runtime, checkRuntime(runtime, info))
	c.limits(info)
	image := c.images(short, quiet)
	if image == "" {
		c.Add(doctor.Advice, "posture", "a sandbox can be looked at once there is a runner image of this version")
		return
	}
	p, err := posture.Look(ctx, e, postureSpec(settingsOf(c.config, info), image, doctorInstance))
	if err != nil {
		c.Add(doctor.Essential, "posture", "cannot look at a sandbox: %v", err)
		return
	}
	doctor.Posture(c.Checkup, p)
}

func (c *checkup) limits(info sandbox.Info) {
	l := settingsOf(c.config, info).Limits
	workers, err := workersOf(c.config, info, l.Limits)
	if err != nil {
		c.Add(doctor.Essential, "limits", "%v", err)
		return
	}
	c.Add(doctor.Fine, "limits", "%s at a time, each with %s memory and %s disk",
		plural(int64(workers), "build", "builds"), quantity.Bytes(l.Memory), quantity.Bytes(l.Disk))
}

// images gives the engine's ID of the default image, or nothing.
func (c *checkup) images(ctx context.Context, log *slog.Logger) (id string) {
	m, err := openImages(ctx, c.config, log)
	if err != nil {
		c.Add(doctor.Essential, "images", "%v", err)
		return ""
	}
	defer m.Close()
	return doctor.Images(ctx, c.Checkup, m)
}

// github checks the token, the public URL and, for a given commit, that statuses arrive.
func (c *checkup) github(ctx context.Context, commit string) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	doctor.PublicURL(ctx, c.Checkup, c.config.publicURL)
	client, err := githubClient(c.config)
	if err != nil {
		c.Add(doctor.Essential, "token", "%v", err)
		return
	}
	defer client.Close()
	if c.config.githubApp.IsSet() {
		c.app(ctx)
	} else if c.config.token == "" {
		c.Add(doctor.Advice, "token", "set GITHUB_TOKEN: without it no commit status is sent and private repositories "+
			"cannot be read")
	}
	if c.config.token != "" {
		doctor.Token(ctx, c.Checkup, client)
	}
	if commit != "" {
		doctor.RoundTrip(ctx, c.Checkup, client, commit, c.config.statusContext)
	}
}

// app checks the GitHub App.
func (c *checkup) app(ctx context.Context) {
	tokens, err := tokensOf(c.config)
	if err != nil {
		c.Add(doctor.Essential, "App", "%v", err)
		return
	}
	defer tokens.Close()
	set := c.config.githubApp
	doctor.App{
		Tokens: tokens.App(), KeyFile: set.KeyFile, Secret: set.Secret != "",
		Checks: c.config.checks, Personal: c.config.token != "",
	}.Check(ctx, c.Checkup)
}

// database checks what the server keeps: whom it lets in, and which statuses did not arrive.
func (c *checkup) database(ctx context.Context) {
	if c.config.databaseURL == "" && !datadir.HasDatabase(c.config.dataDir) {
		c.webhook(0)
		c.Add(doctor.Fine, "database", "there is none yet; the first start makes it")
		return
	}
	s, err := openStore(ctx, c.config, database.Keep, slog.New(slog.DiscardHandler))
	if older, ok := errors.AsType[*database.OlderError](err); ok { // the server migrates it when it starts
		c.Add(doctor.Advice, "database", "%v", older)
		return
	}
	if err != nil {
		c.Add(doctor.Essential, "database", "%v", err)
		return
	}
	defer s.Close()
	entries, err := s.Entries.List(ctx)
	if err != nil {
		c.Add(doctor.Essential, "database", "%v", err)
		return
	}
	c.webhook(letIn(entries))
	if rules, err := c.config.letIn().Rules(ctx, s.Entries); err == nil {
		named := rules.Exact(time.Now())
		doctor.Polling(c.Checkup, c.config.poll, len(named), c.config.token != "")
		c.deliveries(ctx, named)
	}
	doctor.Notify(ctx, c.Checkup, s.Notices, c.config.notify, c.config.smtp.Host != "")
	doctor.Statuses(ctx, c.Checkup, s.Outbox)
	doctor.Budget(ctx, c.Checkup, s.Outbox, c.config.sendsAtMost())
}

// deliveries checks whether deliveries can be asked for again, by the first repository.
func (c *checkup) deliveries(ctx context.Context, named []registry.Named) {
	if c.config.token == "" || c.config.publicURL == nil || len(named) == 0 {
		return
	}
	client, err := githubClient(c.config)
	if err != nil {
		return // the check of the token has said so
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	doctor.Deliveries(ctx, c.Checkup, client, named[0].Name, c.config.hookURL())
}

// webhook checks whose deliveries would be accepted.
func (c *checkup) webhook(entries int) {
	doctor.Webhook(c.Checkup, len(c.config.webhookSecret), len(c.config.repositories), entries)
}
