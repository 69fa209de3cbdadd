// Package githubtest stands in for GitHub: a server with the part of its API that Vivarium
// speaks, with GitHub's own limits and error bodies and with faults to order, and
// signed webhook deliveries. It needs no test to run in: `make demo` and `make bench` use it too.
package githubtest
