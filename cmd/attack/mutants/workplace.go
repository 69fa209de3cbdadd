package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// runTimeout bounds the run of one mutant: without its limit, an attack does not end by itself.
const runTimeout = 5 * time.Minute

// workplace is where mutants are compiled.
type workplace struct {
	root string // of the module
	dir  string // temporary
}

func newWorkplace(ctx context.Context) (*workplace, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("find the module: %w", err)
	}
	dir, err := os.MkdirTemp("", "vivarium-mutants-")
	if err != nil {
		return nil, err
	}
	return &workplace{root: filepath.Dir(strings.TrimSpace(string(out))), dir: dir}, nil
}

func (w *workplace) remove() { _ = os.RemoveAll(w.dir) }

// try runs one mutant. An error means that nothing is known about the attacks: the mutant does not
// compile, or the run broke before an attack turned red.
func (w *workplace) try(ctx context.Context, m mutant) (result, error) {
	source, text, err := m.apply(w.root)
	if err != nil {
		return result{}, err
	}
	file := filepath.Join(w.dir, "mutant"+filepath.Ext(m.file))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return result{}, err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(w.root, source): file}})
	if err != nil {
		return result{}, err
	}
	list := filepath.Join(w.dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return result{}, err
	}
	r, err := w.attack(ctx, list, m.attacks)
	if err == nil && r.failed && len(r.red) == 0 {
		err = fmt.Errorf("the run broke and no attack is red:\n%s", r.output)
	}
	return r, err
}

// attack compiles the suite and runs the attacks that the pattern names.
func (w *workplace) attack(ctx context.Context, overlay, pattern string) (result, error) {
	suite := filepath.Join(w.dir, "attack.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", suite, "./cmd/attack")
	build.Dir, build.Env = w.root, environment(overlay)
	if out, err := build.CombinedOutput(); err != nil {
		return result{}, fmt.Errorf("it does not compile: %w:\n%s", err, out)
	}
	tests := exec.CommandContext(ctx, suite, "-test.run="+pattern, "-test.timeout="+runTimeout.String())
	if overlay == "" {
		tests.Args[2] = "-test.timeout=20m"
	}
	tests.Dir, tests.Env = filepath.Join(w.root, "cmd", "attack"), environment(overlay)
	out, err := tests.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return result{}, err
	}
	r := read(string(out))
	r.failed = err != nil
	return r, nil
}

// environment lets the go commands that tests run, for the server and for vivarium-init, see the
// mutant too.
func environment(overlay string) []string {
	env := append(os.Environ(), "CGO_ENABLED=0", "VIVARIUM_REQUIRE_ENGINE=1", "VIVARIUM_REQUIRE_BROWSER=1")
	if overlay == "" {
		return env
	}
	return append(env, "GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+overlay, "VIVARIUM_TEST_OVERLAY="+overlay)
}

// result is what the suite printed.
type result struct {
	failed bool
	held   int      // attacks that were held
	red    []string // the names of those that were not
	output string
}

func read(output string) result {
	r := result{output: output}
	for line := range strings.Lines(output) {
		f := strings.Fields(line)
		switch {
		case len(f) < 3 || f[2] != "tried:":
		case f[0] == "RED":
			r.red = append(r.red, f[1])
		case f[0] == "ok":
			r.held++
		}
	}
	return r
}
