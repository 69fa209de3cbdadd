// Package runc finds the release of the runc with which an engine starts containers.
package runc

import (
	"path"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/system"
)

// Release is a program's version, in the program's own words.
type Release struct {
	Version string // such as 1.1.5+ds1
	Commit  string // such as v1.2.5-0-g59923ef, or what a distribution puts there
}

// Of returns the release of the default runtime if its program is called runc. An engine tells the
// version of no other.
func Of(v types.Version, info system.Info) Release {
	if path.Base(info.Runtimes[info.DefaultRuntime].Path) != "runc" {
		return Release{}
	}
	for _, c := range v.Components {
		if c.Name == "runc" || c.Name == info.DefaultRuntime {
			return Release{Version: c.Version, Commit: c.Details["GitCommit"]}
		}
	}
	return Release{}
}
