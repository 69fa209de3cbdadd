package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"vivarium/cmd/internal/harness"
	"vivarium/images/imagestest"
	"vivarium/sandbox/egress/egresstest"
)

// TestCommands runs the scripts that need no engine. Each starts the real binary.
func TestCommands(t *testing.T) {
	w := newScriptWorld(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script/cli",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               w.setup,
		Cmds:                w.commands(),
	})
}

// TestCommandsOnAnEngine runs the scripts that build in sandboxes or handle images.
func TestCommandsOnAnEngine(t *testing.T) {
	imagestest.RequireEngine(t)
	w := newScriptWorld(t)
	images := imagestest.Options(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script/engine",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			other := "vivarium-test/imported-" + strings.ToLower(rand.Text()[:8])
			e.Defer(func() { _ = exec.Command("docker", "rmi", other+":cli-test").Run() }) // there only after a failure
			e.Vars = append(e.Vars,
				"VIVARIUM_INIT_DIR="+images.InitDir, "VIVARIUM_RUNNERS="+images.Runners,
				"VIVARIUM_MEMORY=256MiB", "VIVARIUM_DISK=256MiB",
				"VIVARIUM_INDEX_URL="+w.Index.URL(), "VIVARIUM_INDEX_ALLOW=127.0.0.1/32",
				"OTHER_RUNNERS="+other,
			)
			return w.setup(e)
		},
		Cmds: w.commands(),
	})
}

// scriptWorld is what the scripts of one test share.
type scriptWorld struct {
	*harness.World
	binary string
}

func newScriptWorld(t *testing.T) *scriptWorld {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	w, err := harness.NewWorld(harness.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	w.GitHub.AddRepo("octo/hello")
	return &scriptWorld{World: w, binary: file}
}

// setup gives a script the binary, a HOME and a data directory of its own, and the addresses of the
// world. Nothing listens on the address DEAD.
func (w *scriptWorld) setup(e *testscript.Env) error {
	home := filepath.Join(e.WorkDir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return err
	}
	for _, setting := range os.Environ() {
		if strings.HasPrefix(setting, "DOCKER_") {
			e.Vars = append(e.Vars, setting)
		}
	}
	e.Vars = append(e.Vars,
		"PATH="+filepath.Dir(w.binary)+string(os.PathListSeparator)+os.Getenv("PATH"),
		"HOME="+home,
		"VIVARIUM_DATA_DIR="+filepath.Join(e.WorkDir, "data"),
		"GITHUB_API_URL="+w.GitHub.URL(), "GITHUB_SERVER_URL="+w.Git.URL(),
		"GIT_HOST="+w.Git.URL(), "DEAD=http://127.0.0.1:1", "TOKEN="+harness.Token,
	)
	return nil
}

func (w *scriptWorld) commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"exits":  exits,
		"commit": w.commit,
		"lines":  lines,
		"seed":   seed,
	}
}

// exits CODE PROGRAM ARG... runs a program that must end with that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("%s: exit code %s, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

// commit REPO BRANCH DIR commits a folder to the git host and sets SHA.
func (w *scriptWorld) commit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: commit REPO BRANCH DIR")
	}
	files, err := egresstest.ReadFiles(ts.MkAbs(args[2]))
	ts.Check(err)
	shas, err := w.Git.Commit(context.Background(), args[0], egresstest.Commit{Branch: args[1], Files: files})
	ts.Check(err)
	ts.Setenv("SHA", shas[0])
}

// lines FILE N: the file, or stdout or stderr, has N lines.
func lines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines FILE N")
	}
	text := ts.ReadFile(args[0])
	if n := fmt.Sprint(strings.Count(text, "\n")); n != args[1] {
		ts.Fatalf("%s has %s lines, want %s:\n%s", args[0], n, args[1], text)
	}
}
