package runc

import (
	"testing"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/system"
)

func TestRuncIsThatOfTheDefaultRuntime(t *testing.T) {
	answer := func(name string) types.Version {
		return types.Version{Components: []types.ComponentVersion{
			{Name: "Engine", Version: "28.0.0"},
			{Name: name, Version: "1.2.5", Details: map[string]string{"GitCommit": "v1.2.5-0-g59923ef"}},
		}}
	}
	for _, c := range []struct{ runtime, path, component, want string }{
		{"runc", "runc", "runc", "1.2.5"},
		{"current", "/opt/engine/runc", "current", "1.2.5"},
		{"runsc", "/usr/bin/runsc", "runc", ""},
		{"crun", "/usr/bin/crun", "crun", ""},
	} {
		info := system.Info{
			DefaultRuntime: c.runtime,
			Runtimes:       map[string]system.RuntimeWithStatus{c.runtime: {Runtime: system.Runtime{Path: c.path}}},
		}
		if got := Of(answer(c.component), info); got.Version != c.want {
			t.Errorf("%+v: got %+v", c, got)
		}
	}
}
