package main

import (
	"context"
	"fmt"
	"strings"

	"vivarium/cmd/vivarium/dotenv"
	"vivarium/cmd/vivarium/remote"

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
				return c.run(func() { c.health(cmd.Context()) })
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

// finding is what one check found.
type finding struct {
	level level
	what  string
	text  string // what there is, or what to do
}

type level string

const (
	fine      level = "ok"
	advice    level = "do"   // the server works without it
	essential level = "FAIL" // the server does not work without it
)

// checkup is one run of the doctor.
type checkup struct {
	config config
	show   func(finding)
	failed bool
}

func (c *checkup) add(l level, what, format string, args ...any) {
	c.failed = c.failed || l == essential
	c.show(finding{l, what, oneLine(fmt.Sprintf(format, args...))})
}

func (a *app) newCheckup() *checkup {
	t := terminalOf(a.stdout, a.environ)
	c := &checkup{show: func(f finding) {
		colour := map[level]string{fine: green, advice: yellow, essential: red}[f.level]
		fmt.Fprintf(a.stdout, "%s %-12s %s\n", t.dye(colour, fmt.Sprintf("%-4s", f.level)), f.what, f.text)
	}}
	file, err := dotenv.Read()
	if err != nil {
		c.add(essential, "settings", "%v", err)
	}
	var problems []error
	c.config, problems = readConfig(a.environ, file)
	for _, p := range problems {
		c.add(essential, "settings", "%v", p)
	}
	return c
}

// run runs checks and gives the exit code. Wrong settings would mislead all checks, so they end the
// run.
func (c *checkup) run(checks func()) error {
	if !c.failed {
		checks()
	}
	if c.failed {
		return exitError(exitNo)
	}
	return nil
}

func (c *checkup) everything(ctx context.Context, commit string) {
	c.add(fine, "settings", "every name and value is known")
	c.environment()
	c.engine(ctx)
	c.github(ctx, commit)
	c.undelivered(ctx)
}

// splitCommit reads OWNER/NAME@SHA.
func splitCommit(s string) (repo, sha string, ok bool) {
	repo, sha, ok = strings.Cut(s, "@")
	return repo, sha, ok && repo != "" && remote.FullSHA.MatchString(sha)
}
