package attack

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vivarium/cmd/internal/harness"
	"vivarium/pipeline"
	"vivarium/sandbox/egress/egresstest"
)

// passing is a test that passes, for repositories whose attack lies elsewhere.
const passing = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test(self):\n        pass\n"

// committed makes a repository of one commit that may hold links and submodules too.
func (w *world) committed(t *testing.T, c egresstest.Commit) pipeline.Git {
	t.Helper()
	name := "attack/" + strings.Map(func(r rune) rune {
		if strings.ContainsRune("/_# ", r) {
			return '-'
		}
		return r
	}, t.Name())
	shas, err := w.host.Commit(t.Context(), name, c)
	if err != nil {
		t.Fatal(err)
	}
	return pipeline.Git{URL: w.host.RepoURL(name), SHA: shas[0], Tokens: pipeline.FixedToken(token)}
}

// gitIn runs git on this machine, as its user would, and gives its output. It does not check how
// git ends: a control looks only at whether a program of the tree ran.
func gitIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(harness.Environ(), "HOME="+t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_ASKPASS=true",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a",
		"GIT_COMMITTER_EMAIL=a@example.com")
	cmd.Stdin = strings.NewReader("protocol=https\nhost=git.example\n\n") // what `git credential` asks for
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// writeTree writes files below a folder. Those that begin with "#!" can be run.
func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// wholeLines makes a Python program write each line at once, so that no line of unittest's, on the
// other stream, comes between.
const wholeLines = "import sys\nsys.stdout = open(1, 'w', buffering=1, closefd=False)\n"

// runFolder builds a folder of this machine with the real command line, and gives its exit code and
// its output.
func (w *world) runFolder(t *testing.T, dir string) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), vivarium(t), "run", dir)
	cmd.Dir = t.TempDir()
	cmd.Env = append(append(harness.Environ(), imageSettings(t)...), "XDG_CACHE_HOME="+t.TempDir(),
		"VIVARIUM_INDEX_URL="+w.index.URL(), "VIVARIUM_INDEX_ALLOW=127.0.0.1/32")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}
