// Command vivarium builds pushed commits of Python repositories in sandboxes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"vivarium/cmd/vivarium/dotenv"
	"vivarium/cmd/vivarium/githubapp"
	"vivarium/server/github"
)

// Exit codes. exitNo: the command was done and its answer is no (a failed build, an essential
// check). exitCannot: the command could not be done.
const (
	exitOK     = 0
	exitNo     = 1
	exitCannot = 2
)

func main() {
	// After the first signal the handlers are released, so that a second one ends the process at
	// once; its sandboxes end with it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program.
func run(ctx context.Context, args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{environ: environ, stdin: stdin, stdout: stdout, stderr: stderr}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return a.exitCode(root.ExecuteContext(ctx))
}

// app is what main gives to every command.
type app struct {
	environ []string
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
}

// config reads an operator's settings. Only the command that runs calls it, once.
func (a *app) config() (config, error) {
	file, err := dotenv.Read()
	if err != nil {
		return config{}, err
	}
	c, problems := readConfig(a.environ, file)
	return c, errors.Join(problems...)
}

// environment reads settings from the environment only. `run` is called in folders of strangers,
// whose .env must not open the network, lift a limit, or name the host that gets the user's token.
func (a *app) environment() (config, error) {
	c, problems := readConfig(a.environ, nil)
	return c, errors.Join(problems...)
}

// exitError ends the program with a code; nothing more is printed.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// exitCode prints what went wrong, one line for each error, and gives the exit code.
func (a *app) exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if code := exitError(0); errors.As(err, &code) {
		return int(code)
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for _, e := range all {
		fmt.Fprintf(a.stderr, "vivarium: %s\n", strings.Join(strings.Fields(e.Error()), " "))
	}
	return exitCannot
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "vivarium",
		Short: "Build pushed commits of Python repositories in sandboxes",
		Long: "Vivarium builds pushed commits of Python repositories, each in a throw-away sandbox\n" +
			"without a network, and tells GitHub how they ended.",
		Example:       "  vivarium run .\n  vivarium serve",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("cannot read the command line: %w; see %s --help", err, c.CommandPath())
	})
	root.AddCommand(newServe(a), newRun(a), newBuilds(a), newRepos(a), newToken(a), newAudit(a), newImages(a),
		newDoctor(a), newSchema(a), newVersion(a), githubapp.Command(a.stdout, a.appSettings))
	explainArgs(root)
	return root
}

// appSettings are what a GitHub App is registered by.
func (a *app) appSettings() (githubapp.Settings, error) {
	c, err := a.config()
	if err != nil {
		return githubapp.Settings{}, err
	}
	client, err := github.New(github.Config{APIURL: c.apiURL.String()})
	return githubapp.Settings{API: client, ServerURL: c.serverURL, PublicURL: c.publicURL, DataDir: c.dataDir}, err
}

// noSuchCommand is for a command that only groups others.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	// a word of three letters with two changed is another word
	cmd.SuggestionsMinimumDistance = min(2, (len(args[0])+1)/3)
	near := ""
	if names := cmd.SuggestionsFor(args[0]); len(names) > 0 {
		near = fmt.Sprintf("; did you mean %s?", strings.Join(names, " or "))
	}
	return fmt.Errorf("there is no such command as %q%s", args[0], near)
}

// explainArgs makes every command say how it is used when its arguments are wrong.
func explainArgs(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		explainArgs(c)
	}
	check := cmd.Args
	cmd.Args = func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return fmt.Errorf("cannot read the command line: %w; see %s --help", err, c.CommandPath())
		}
		return nil
	}
}
