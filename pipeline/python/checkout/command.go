package checkout

// Command is one program to run in a checkout.
type Command struct {
	Dir  string   // its working folder below the checkout; empty is the checkout's root
	Env  []string // NAME=value, added to the environment of the build
	Argv []string
	// Shown is a command line to the same end that one could type, where Argv is none; else nil.
	Shown []string
	// Below, in a run of tests, stands before their names: where other runs have modules of the same
	// names, the folder from which this one imports them and a slash; else empty.
	Below string
}
