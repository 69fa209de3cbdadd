// Package githubtest stands in for GitHub: a server with the part of its API that Vivarium uses,
// with GitHub's own limits and error bodies and with faults on request. What it sends to webhooks is
// made by package events. It works outside of tests too: `make demo` and `make bench` use it.
package githubtest
