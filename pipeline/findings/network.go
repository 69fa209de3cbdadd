package findings

import (
	"regexp"
	"slices"
)

// unreachable is what programs say where there is no network.
var unreachable = regexp.MustCompile(`(?i)name resolution|name or service not known|` +
	`no address associated with hostname|network is unreachable|getaddrinfo failed|` +
	`failed to resolve|could not resolve host`)

// Offline reports whether one of the findings is about a network that cannot be reached.
func (l List) Offline() bool {
	return slices.ContainsFunc(l.Findings, func(f Finding) bool { return unreachable.MatchString(f.Text) })
}
