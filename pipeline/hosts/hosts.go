// Package hosts holds the hosts from which the operator lets builds get dependencies, by their
// origins: scheme, name and port.
package hosts

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// List is a list of origins, such as https://git.example.org:443.
type List []string

var errNoHost = errors.New("it is no host")

// Parse reads hosts that are separated by commas. A host without a scheme is one of https; a path,
// a user, a query and a fragment are none of a host.
func Parse(text string) (List, error) {
	var l List
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if !strings.Contains(part, "://") {
			part = "https://" + part
		}
		u, err := url.Parse(part)
		if err != nil {
			return nil, err
		}
		bare := u.User == nil && u.RawQuery == "" && u.Fragment == "" && strings.Trim(u.Path, "/") == ""
		origin := Origin(u)
		if !bare || origin == "" || strings.Contains(u.Host, "*") {
			return nil, errNoHost
		}
		l = append(l, origin)
	}
	return l, nil
}

// Has reports whether an address is one of a listed host.
func (l List) Has(u *url.URL) bool {
	origin := Origin(u)
	return origin != "" && slices.Contains(l, origin)
}

// Origin is the origin of an http or https address, in a form that can be compared; empty for any
// other.
func Origin(u *url.URL) string {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if scheme != "http" && scheme != "https" || u.Hostname() == "" {
		return ""
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
