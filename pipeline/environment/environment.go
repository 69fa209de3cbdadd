// Package environment is what a build ran with besides its code: image, Python, installed packages
// and plan; and what of these differs between a build and the last green one before it. It decides
// on data that was gathered before, and asks nobody.
package environment

import "strings"

// Environment is what a build ran with. What is empty is not known.
type Environment struct {
	// Tree is git's id of the files that were built. Two commits with the same tree hold the same
	// code.
	Tree  string
	Image Image
	// Packages are what was installed when the installation had succeeded, by name. Listed says
	// that it was looked at; of a build without packages it is true, and the list is empty.
	Packages []Package
	Listed   bool
	// Plan is the plan's text, cut at MaxPlan bytes.
	Plan string
}

// Image is a runner image.
type Image struct {
	Name   string // such as python-3.11
	ID     string // the engine's: another one even where the same image was made again
	Python string // the interpreter's version, such as 3.11.2
}

// Package is one installed package.
type Package struct {
	Name    string // as PEP 503 normalizes it
	Version string // empty where the folder of its metadata names none
}

// MaxPlan bounds the plan's text, in bytes.
const MaxPlan = 16 << 10

// CutPlan is a plan's text within MaxPlan, cut at the end of a line.
func CutPlan(text string) string {
	if len(text) <= MaxPlan {
		return text
	}
	text = text[:MaxPlan]
	return strings.ToValidUTF8(text[:strings.LastIndexByte(text, '\n')+1], "")
}

// Map is the environment with each text that a repository can choose changed by f.
func (e Environment) Map(f func(string) string) Environment {
	e.Plan = f(e.Plan)
	packages := make([]Package, len(e.Packages))
	for i, p := range e.Packages {
		packages[i] = Package{Name: f(p.Name), Version: f(p.Version)}
	}
	if e.Packages != nil {
		e.Packages = packages
	}
	return e
}
