package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"vivarium/server/forks"
	"vivarium/server/https"
	"vivarium/server/nearby"
	"vivarium/server/pullrequests"
)

// Config holds the settings of a Server. It is fixed after New.
type Config struct {
	Addr      string // host:port to listen on; port 0: a free one
	PublicURL string // where browsers and GitHub reach this server, perhaps below a path; empty when unknown
	TLS       https.Settings
	// TrustedProxies are the networks whose word on a client's address is believed.
	TrustedProxies []netip.Prefix
	ServerURL      string   // GITHUB_SERVER_URL, such as https://github.com
	WebhookSecret  Secret   // GITHUB_WEBHOOK_SECRET: opens Repositories, except those with a secret of their own
	Repositories   []string // VIVARIUM_REPOSITORIES: OWNER/NAME and OWNER/PATTERN
	AppSecret      Secret   // VIVARIUM_GITHUB_APP_WEBHOOK_SECRET: opens all that is let in
	Key            Secret   // the operator's; the secrets of repositories are derived from it
	Tags           bool     // tags are built, unless the operator said otherwise for a repository
	// PublicBuilds shows builds of public repositories to everybody.
	PublicBuilds bool
	// Forks says what becomes of pull requests of forks.
	Forks forks.Policy
	// GitHub is asked who may approve a fork's commit by a comment; nil: nobody can.
	GitHub pullrequests.GitHub
	// NameOf asks GitHub for the present name of the repository with an ID. May be nil: then no
	// renaming is followed.
	NameOf func(ctx context.Context, id int64) (fullName string, err error)
	// Installed is called when GitHub told of a change of the App's installations. May be nil.
	Installed func()
	Version   string

	// Ready reports why no build can start now, or nil. Every /readyz calls it, and it must return
	// within a second. Whoever sets it logs the reason.
	Ready func(context.Context) error
	// Conditions are what else builds need, such as an engine that answers. Whoever sets a
	// condition logs its trouble.
	Conditions []Condition
	// Listening is called once with the bound address, before the first request is answered. May be
	// nil.
	Listening func(net.Addr)
	Log       *slog.Logger
}

// BuildURL is the public address of a build's page. It is empty when the public URL is unknown.
func (c Config) BuildURL(build int64) string {
	if c.PublicURL == "" {
		return ""
	}
	return strings.TrimSuffix(c.PublicURL, "/") + buildPath(build)
}

// isPublic reports whether others reach this server through something on this machine or before it.
// A reverse proxy may leave no trace, and then every visitor looks like a program that runs here.
func (c Config) isPublic() bool {
	u, err := url.Parse(c.PublicURL)
	return c.PublicURL != "" && (err != nil || !nearby.IsLoopback(u.Host))
}

// overHTTPS reports whether browsers reach this server by HTTPS, its own or a proxy's.
func (c Config) overHTTPS() bool {
	return c.TLS.Enabled() || strings.HasPrefix(c.PublicURL, "https://")
}

// check tells an operator what is missing.
func (c Config) check() error {
	if (c.WebhookSecret == "") != (len(c.Repositories) == 0) {
		return errors.New("GITHUB_WEBHOOK_SECRET and VIVARIUM_REPOSITORIES go together: the secret opens the " +
			"repositories that the other names")
	}
	if c.Key == "" {
		return errors.New("server: Config.Key is required")
	}
	if c.Ready == nil || c.Log == nil {
		return errors.New("server: Config.Ready and Config.Log are required")
	}
	if err := c.TLS.Check(); err != nil {
		return err
	}
	if err := checkProxies(unmap(c.TrustedProxies)); err != nil {
		return err
	}
	if err := checkBaseURL("GITHUB_SERVER_URL", c.ServerURL); err != nil {
		return err
	}
	if c.PublicURL == "" {
		return nil
	}
	if err := checkBaseURL("VIVARIUM_PUBLIC_URL", c.PublicURL); err != nil {
		return err
	}
	return checkBase(c.base())
}

func checkBaseURL(name, value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%s %q is not an address: it begins with https:// or http:// and names a host", name, value)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%s may hold a host and a path, but no user, query or fragment", name)
	}
	return nil
}

func buildPath(build int64) string { return "/logs/" + strconv.FormatInt(build, 10) }
