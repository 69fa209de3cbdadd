package api

import (
	"context"
	"strconv"

	"vivarium/pipeline"
	"vivarium/pipeline/environment"
	"vivarium/server/store/environments"
)

// Environment is what a build ran with besides its code.
type Environment struct {
	Image    string    `json:"image" doc:"The runner image's name."`
	ImageID  string    `json:"image_id" doc:"The engine's id of it."`
	Python   string    `json:"python" example:"3.11.2"`
	Tree     string    `json:"tree" doc:"git's id of the files that were built; empty where it is not known."`
	Packages []Package `json:"packages" doc:"What was installed, by name; null where it is not known."`
}

// Package is one installed package.
type Package struct {
	Name    string `json:"name" example:"numpy"`
	Version string `json:"version" example:"2.4.0"`
}

// Since says what differs between a failed build and the green one before it.
type Since struct {
	Build     string   `json:"build" doc:"The green build: of the commit, the branch, else the default branch."`
	SameCode  bool     `json:"same_code" doc:"Whether both built the same files."`
	Compared  bool     `json:"compared" doc:"Whether the packages of both are known."`
	Packages  []Change `json:"packages" doc:"Those that differ."`
	Image     *Change  `json:"image" doc:"null where it is the same."`
	PlanGone  []string `json:"plan_gone" doc:"Lines of the green build's plan that this one's lacks."`
	PlanNew   []string `json:"plan_new" doc:"Lines of this build's plan that the green one's lacks."`
	Sentences []string `json:"sentences" doc:"The same for people."`
}

// Change is a package or an image then and now.
type Change struct {
	Name string `json:"name" example:"numpy"`
	From string `json:"from" doc:"Empty for what is new."`
	To   string `json:"to" doc:"Empty for what is gone."`
}

// AddEnvironment says of out, which is b, what it ran with, and what of it differs from the last green
// build.
func AddEnvironment(ctx context.Context, s *environments.Environments, out *Build, b pipeline.Build) error {
	e, err := s.Of(ctx, b.ID)
	if err != nil {
		return err
	}
	d, err := s.Since(ctx, b)
	out.Environment, out.Since = newEnvironment(e), newSince(d)
	return err
}

// newEnvironment is e in JSON, or nil where it is not known.
func newEnvironment(e environment.Environment) *Environment {
	if e.Image.ID == "" {
		return nil
	}
	out := &Environment{Image: e.Image.Name, ImageID: e.Image.ID, Python: e.Image.Python, Tree: e.Tree}
	if e.Listed {
		out.Packages = make([]Package, len(e.Packages))
	}
	for i, p := range e.Packages {
		out.Packages[i] = Package(p)
	}
	return out
}

// newSince is d in JSON, or nil for nil.
func newSince(d *environment.Difference) *Since {
	if d == nil {
		return nil
	}
	out := &Since{
		Build: strconv.FormatInt(d.Build, 10), SameCode: d.SameCode, Compared: d.Compared,
		Packages: make([]Change, len(d.Changed)), PlanGone: nonNil(d.Gone), PlanNew: nonNil(d.New), Sentences: d.Lines(),
	}
	for i, c := range d.Changed {
		out.Packages[i] = Change(c)
	}
	if d.Image != nil {
		out.Image = new(Change(*d.Image))
	}
	return out
}

// nonNil is a list that JSON writes as one, also when it is empty.
func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
