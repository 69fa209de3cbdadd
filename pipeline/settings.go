package pipeline

import (
	"vivarium/pipeline/hosts"
	"vivarium/pipeline/limits"
)

// Settings are how the operator has builds run. They are made once, from the configuration and what
// the engine can do, and carried whole to where a build needs them.
type Settings struct {
	Limits  limits.Limits // of one build; a repository can lower them
	Runtime string        // the OCI runtime of the sandboxes; empty is the engine's default
	// DeclaredPytest is whether pytest runs only where the repository declares it; else it is added
	// where tests need it.
	DeclaredPytest bool
	// GitHosts and IndexHosts are the hosts from which builds may get dependencies besides the package
	// index: repositories without credentials, and further indexes.
	GitHosts, IndexHosts hosts.List
	NoRetries            bool  // failed tests are not tried again
	FlakyPasses          bool  // a run whose red tests all passed when they were tried again is green
	KeptLog              int64 // bytes of output that are stored of one attempt; more is left out of its middle
}
