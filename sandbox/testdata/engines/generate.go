// Command generate writes, for each engine that Vivarium is tested on, what its default seccomp
// profile lets a container without capabilities do. From this folder:
//
//	go run generate.go
//
// The profiles come from the engines' Go modules, which `go mod download` fetches and checks.
// Comments, and rules that need a capability, are left out.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// profile is the default.json of one version.
type profile struct {
	Engine   string `json:"engine"`
	Module   string `json:"module"`
	Version  string `json:"version"`
	Syscalls []rule `json:"syscalls"`

	folder string // of the profile in its module
}

type rule struct {
	Names    []string          `json:"names"`
	Action   string            `json:"action"`
	ErrnoRet *uint             `json:"errnoRet,omitempty"`
	Args     []json.RawMessage `json:"args,omitempty"`
	Includes filter            `json:"includes"`
	Excludes filter            `json:"excludes"`
}

type filter struct {
	Caps   []string `json:"caps,omitempty"`
	Arches []string `json:"arches,omitempty"`
}

func main() {
	for _, p := range []profile{
		{
			Engine:  "docker-20.10",
			Module:  "github.com/docker/docker",
			Version: "v20.10.24+incompatible",
			folder:  "profiles/seccomp",
		},
		{
			Engine:  "docker-26.1",
			Module:  "github.com/docker/docker",
			Version: "v26.1.5+incompatible",
			folder:  "profiles/seccomp",
		},
		{Engine: "moby-2.0", Module: "github.com/moby/profiles/seccomp", Version: "v0.2.3"},
	} {
		if err := write(p); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", p.Engine, err)
			os.Exit(1)
		}
	}
}

func write(p profile) error {
	said, err := exec.Command("go", "mod", "download", "-json", p.Module+"@"+p.Version).Output()
	if err != nil {
		return fmt.Errorf("download %s: %w", p.Module, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(said, &module); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(module.Dir, p.folder, "default.json"))
	if err != nil {
		return err
	}
	var all profile
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for _, r := range all.Syscalls {
		if len(r.Includes.Caps) == 0 {
			p.Syscalls = append(p.Syscalls, r)
		}
	}
	if text, err = json.Marshal(p); err != nil {
		return err
	}
	return os.WriteFile(p.Engine+".json", append(text, '\n'), 0o644)
}
