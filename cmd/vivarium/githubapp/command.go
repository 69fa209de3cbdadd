// Package githubapp is the command that registers a GitHub App for a server.
package githubapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"vivarium/server/github"
)

// Settings are the server's.
type Settings struct {
	API       *github.Client // without a token
	ServerURL *url.URL       // GITHUB_SERVER_URL
	PublicURL *url.URL       // VIVARIUM_PUBLIC_URL; nil: it is not set
	DataDir   string
}

// options are the command's flags.
type options struct {
	owner, name, listen, keyFile, code string
	manifest                           bool
}

const long = `github-app registers a GitHub App by which a server is told of pushes, clones and reports, in place
of a personal token and a webhook for each repository. It shows a page on this machine; its one
button leads to GitHub, which shows what the App may do and makes it. Then the command writes the
App's private key to a file that you alone can read, prints the settings, and says what is next.

Where the browser is on another machine, forward the page's port (ssh -L 8002:127.0.0.1:8002). Or
send the form that --manifest describes yourself, and pass the code of the address that GitHub
leads to with --code within an hour.`

// Command is the command. load reads the settings.
func Command(out io.Writer, load func() (Settings, error)) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:     "github-app",
		Short:   "Register a GitHub App, in place of a token and webhooks",
		Long:    long,
		Example: "  vivarium github-app\n  vivarium github-app --org octo",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := load()
			if err != nil {
				return err
			}
			if s.PublicURL == nil {
				return errors.New("cannot register an App: GitHub must be told where to deliver to; set VIVARIUM_PUBLIC_URL")
			}
			if err := o.register(cmd.Context(), out, s); err != nil {
				return fmt.Errorf("cannot register an App: %w", err)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.owner, "org", "", "organization that the App is to belong to; otherwise it is yours")
	f.StringVar(&o.name, "name", "", "the App's name, of which there is one on all of GitHub")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8002", "where the page is shown, on this machine")
	f.StringVar(&o.keyFile, "key-file", "", "file for the App's private key; otherwise github-app.pem in the data folder")
	f.BoolVar(&o.manifest, "manifest", false, "only print the manifest, and where its form goes to")
	f.StringVar(&o.code, "code", "", "exchange the code that GitHub gave")
	cmd.MarkFlagsMutuallyExclusive("manifest", "code")
	return cmd
}

func (o options) register(ctx context.Context, out io.Writer, s Settings) error {
	file := o.keyFile
	if file == "" {
		file = filepath.Join(s.DataDir, "github-app.pem")
	}
	if o.manifest {
		m := newManifest(o.name, s.PublicURL, "http://"+o.listen+"/made")
		_, err := fmt.Fprintf(out, "%s\n\nSend it as the field manifest of a form to\n  %s\n",
			m.text(), newAppURL(s.ServerURL, o.owner, newState()))
		return err
	}
	key, err := reserve(file) // before GitHub has made anything
	if err != nil {
		return err
	}
	made, err := o.make(ctx, out, s)
	if err == nil {
		_, err = key.WriteString(made.Key)
	}
	if err = errors.Join(err, key.Close()); err != nil {
		_ = os.Remove(file) // it is empty
	}
	switch {
	case err != nil && made.ID != 0: // GitHub does not give the key again
		return fmt.Errorf("the App %s is made, but its key cannot be written: %w; generate another in %s",
			made.Slug, err, made.HTMLURL)
	case err != nil:
		return err
	}
	return tellNext(out, made, file)
}

// reserve makes the file of the key, for its owner alone, and the data folder where it is not there yet.
func reserve(file string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s is there already: move it away, or name another file with --key-file", file)
	}
	return f, err
}

// make has GitHub make the App.
func (o options) make(ctx context.Context, out io.Writer, s Settings) (a github.NewApp, err error) {
	code := o.code
	if code == "" {
		if code, err = o.askBrowser(ctx, out, s); err != nil {
			return github.NewApp{}, err
		}
	}
	return github.AsApp(s.API).ConvertManifest(ctx, code)
}

// askBrowser shows the page and waits for the code.
func (o options) askBrowser(ctx context.Context, out io.Writer, s Settings) (code string, err error) {
	ln, err := net.Listen("tcp", o.listen)
	if err != nil {
		return "", fmt.Errorf("%w; --listen names another port of this machine", err)
	}
	defer ln.Close()
	if at, ok := ln.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		return "", fmt.Errorf("--listen %s can be reached from other machines: name an address of this machine alone, such "+
			"as 127.0.0.1:8002", o.listen)
	}
	p, _ := newPage(ln, s.ServerURL, s.PublicURL, o.owner, o.name)
	fmt.Fprintf(out, "Open http://%s/ in a browser, and go on to GitHub from there.\n", p.host)
	return p.wait(ctx, ln)
}

// tellNext says how the App is used.
func tellNext(out io.Writer, a github.NewApp, file string) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, `
The App %s is made, and its key is in %s.

1. Put these lines into .env:

   VIVARIUM_GITHUB_APP_ID=%d
   VIVARIUM_GITHUB_APP_KEY_FILE=%s
   VIVARIUM_GITHUB_APP_WEBHOOK_SECRET=%s

2. Install the App in the repositories that are to be built: %s/installations/new
3. Let them in: vivarium repos add 'OWNER/*' (with --new before the server's first start)
4. Check it: vivarium doctor
`, a.Slug, file, a.ID, file, a.WebhookSecret, a.HTMLURL)
	return err
}
