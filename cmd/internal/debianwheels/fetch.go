package debianwheels

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// passedOver are Python packages of Debian that hold nothing for a wheel, or that a Python of today
// needs no longer.
var passedOver = []string{
	"python3-minimal", "python3-dev", "python3-distutils", "python3-lib2to3", "python3-venv",
	"python3-importlib-metadata",
}

// dependencies gives the Python packages of Debian that each package depends on, for those named
// and for all that they lead to.
func dependencies(ctx context.Context, packages []string) (map[string][]string, error) {
	args := append([]string{"depends", "--recurse", "--important", "--no-recommends"}, packages...)
	out, err := run(ctx, "", "apt-cache", args...)
	if err != nil {
		return nil, fmt.Errorf("%w; `apt-get update` fetches Debian's lists of packages", err)
	}
	return parseDepends(string(out)), nil
}

// parseDepends reads what `apt-cache depends` prints: a package at the beginning of a line, what it
// depends on indented below.
func parseDepends(said string) map[string][]string {
	needs := map[string][]string{}
	of := ""
	for _, line := range strings.Split(said, "\n") {
		name := strings.TrimSpace(line)
		if line == name {
			of = name
			continue
		}
		if kind, dep, ok := strings.Cut(name, ": "); ok {
			if strings.TrimPrefix(kind, "|") != "Depends" {
				continue
			}
			name = dep
		}
		// What is in angle brackets is virtual: nothing to download.
		if strings.HasPrefix(name, "python3-") && !slices.Contains(passedOver, name) {
			needs[of] = append(needs[of], name)
		}
	}
	return needs
}

// closure lists the Debian packages to fetch: those named, and all that they lead to.
func closure(needs map[string][]string, packages []string) []string {
	all := slices.Clone(packages)
	for i := 0; i < len(all); i++ {
		for _, name := range needs[all[i]] {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// download fetches Debian packages to the folder, and returns their files.
func download(ctx context.Context, folder string, packages []string) ([]string, error) {
	// apt's own user cannot write to a folder of ours; it says so, and root does the work.
	args := append([]string{"download", "-qq", "-o", "APT::Sandbox::User=root"}, packages...)
	if _, err := run(ctx, folder, "apt-get", args...); err != nil {
		return nil, fmt.Errorf("%w; `apt-get update` brings Debian's lists of packages up to date", err)
	}
	debs, err := filepath.Glob(filepath.Join(folder, "*.deb"))
	if err == nil && len(debs) != len(packages) {
		err = fmt.Errorf("apt-get download fetched %d of %d packages: %s", len(debs), len(packages), debs)
	}
	return debs, err
}

// unpack unpacks a Debian package into a folder of its name beside it.
func unpack(ctx context.Context, deb string) (root string, err error) {
	name, _, _ := strings.Cut(filepath.Base(deb), "_")
	root = filepath.Join(filepath.Dir(deb), name)
	_, err = run(ctx, "", "dpkg-deb", "--extract", deb, root)
	return root, err
}

func run(ctx context.Context, dir, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", program, args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}
