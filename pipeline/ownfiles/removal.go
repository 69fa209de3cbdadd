package ownfiles

import (
	"fmt"

	"vivarium/pipeline/termtext"
	"vivarium/sandbox"
)

// Removal is a command that removes paths.
type Removal struct {
	sandbox.Command
	Shown string // for people
}

// program removes its arguments, also what stands in folders that were closed.
const program = `chmod -R u+rwX -- "$@" 2>/dev/null; exec rm -rf -- "$@"`

// Removals are the commands that remove paths below a folder.
func Removals(dir string, paths []string) []Removal {
	var all []Removal
	for _, some := range Chunks(paths) {
		argv := []string{"/bin/sh", "-c", program, "sh"}
		for _, p := range some {
			argv = append(argv, "./"+p)
		}
		shown := "rm -rf " + termtext.Line(some[0])
		if more := len(some) - 1; more > 0 {
			shown += fmt.Sprintf(" and %d more", more)
		}
		all = append(all, Removal{sandbox.Command{Argv: argv, Dir: dir}, shown})
	}
	return all
}
