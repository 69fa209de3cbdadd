package github

import (
	"fmt"
	"net/url"

	"vivarium/server/github/names"
)

// CloneURL is where a repository is fetched from. It is built only from server (GITHUB_SERVER_URL)
// and the full name, which is checked against GitHub's own rules.
func CloneURL(server *url.URL, fullName string) (*url.URL, error) {
	owner, name, err := names.SplitFullName(fullName)
	if err != nil {
		return nil, fmt.Errorf("clone URL: %w", err)
	}
	if err := checkBase(server); err != nil {
		return nil, fmt.Errorf("clone URL: GITHUB_SERVER_URL %w", err)
	}
	return server.JoinPath(owner, name+".git"), nil
}

// checkBase refuses base URLs that hold more than scheme, host and path: credentials in them would
// end up in logs. Its errors continue a sentence that begins with the setting's name.
func checkBase(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("must begin with https:// or http://")
	case u.Host == "":
		return fmt.Errorf("names no host")
	case u.User != nil:
		return fmt.Errorf("must not hold a user name or a password")
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("must not hold a query or a fragment")
	}
	return nil
}
