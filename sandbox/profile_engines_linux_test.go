package sandbox

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// engineProfiles are the default profiles of the engines that Vivarium is tested on, as a
// container without capabilities gets them (see testdata/engines/generate.go).
func engineProfiles(t *testing.T) map[string]*seccomp.Seccomp {
	t.Helper()
	files, err := filepath.Glob("testdata/engines/*.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("profiles of engines: %q, %v", files, err)
	}
	all := map[string]*seccomp.Seccomp{"newest": seccomp.DefaultProfile()}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p := &seccomp.Seccomp{}
		if err := json.Unmarshal(text, p); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = p
	}
	return all
}

// refusedBySome tells whether some engine's own profile refuses a call, whatever its arguments.
func refusedBySome(engines map[string]*seccomp.Seccomp, name string) bool {
	for _, p := range engines {
		if !slices.ContainsFunc(p.Syscalls, func(r *seccomp.Syscall) bool {
			return r.Action == specs.ActAllow && slices.Contains(r.Names, name) &&
				(r.Includes == nil || len(r.Includes.Caps) == 0)
		}) {
			return true
		}
	}
	return false
}

// samples are arguments to try every call with: each value that a rule of either profile compares
// with, and its neighbours.
func samples(profiles ...*seccomp.Seccomp) [][]uint64 {
	interesting := map[uint][]uint64{}
	for _, p := range profiles {
		for _, rule := range p.Syscalls {
			for _, c := range rule.Args {
				interesting[c.Index] = append(interesting[c.Index], c.Value-1, c.Value, c.Value+1, c.ValueTwo, ^c.Value)
			}
		}
	}
	for i := range uint(4) {
		interesting[i] = append(interesting[i], 0, unix.AF_INET, 1<<32, ^uint64(0))
		slices.Sort(interesting[i])
		interesting[i] = slices.Compact(interesting[i])
	}
	var all [][]uint64
	for _, a := range interesting[0] {
		for _, b := range interesting[1] {
			for _, c := range interesting[2] {
				for _, d := range []uint64{0, unix.MAP_HUGETLB} {
					all = append(all, []uint64{a, b, c, d})
				}
			}
		}
	}
	return all
}

// TestProfileIsNarrowerThanThatOfEveryEngine: with ours in place of the engine's, no build gains
// a call.
func TestProfileIsNarrowerThanThatOfEveryEngine(t *testing.T) {
	ours := loadProfile(t)
	for engine, theirs := range engineProfiles(t) {
		t.Run(engine, func(t *testing.T) {
			narrower := 0
			for _, arch := range []string{"amd64", "arm64"} {
				for name := range names(ours, theirs) {
					tried := [][]uint64{nil}
					if judgesArguments(ours, name) || judgesArguments(theirs, name) {
						tried = samples(only(ours, name), only(theirs, name))
					}
					for _, args := range tried {
						own, engines := decideOn(arch, ours, name, args...), decideOn(arch, theirs, name, args...)
						if own == 0 && engines != 0 {
							t.Errorf("%s%#x on %s: allowed by ours, refused by the engine's (%v)", name, args, arch,
								engines)
							break
						}
						if own != 0 && engines == 0 {
							narrower++
							break
						}
					}
				}
			}
			if narrower < 20 { // the control: the two are told apart
				t.Errorf("only %d calls are refused by ours and not by the engine's", narrower)
			}
		})
	}
}

func names(profiles ...*seccomp.Seccomp) map[string]bool {
	all := map[string]bool{}
	for _, p := range profiles {
		for _, rule := range p.Syscalls {
			for _, name := range rule.Names {
				all[name] = true
			}
		}
	}
	return all
}

func judgesArguments(p *seccomp.Seccomp, name string) bool {
	return slices.ContainsFunc(only(p, name).Syscalls, func(r *seccomp.Syscall) bool { return len(r.Args) > 0 })
}

// only is a profile with just the rules for one call.
func only(p *seccomp.Seccomp, name string) *seccomp.Seccomp {
	found := &seccomp.Seccomp{}
	for _, rule := range p.Syscalls {
		if slices.Contains(rule.Names, name) {
			found.Syscalls = append(found.Syscalls, rule)
		}
	}
	return found
}
