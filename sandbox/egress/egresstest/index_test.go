package egresstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pip runs the host's pip with nothing inherited.
func pip(t *testing.T, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "python3", append([]string{"-m", "pip"}, args...)...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PIP_CONFIG_FILE=" + os.DevNull,
		"PIP_NO_CACHE_DIR=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_INPUT=1"}
	out, err := c.CombinedOutput()
	return string(out), err
}

func TestPipInstallsWheelsWithTheirRequirements(t *testing.T) {
	for name, c := range map[string]struct {
		IndexConfig
		wanted string
	}{
		"json": {IndexConfig{}, "alpha-pkg"},
		// Where a page tells of metadata, pip before 23.1, which is Debian 12's, takes only the name that
		// stands there.
		"html": {IndexConfig{HTMLOnly: true}, "Alpha.Pkg"},
	} {
		t.Run(name, func(t *testing.T) {
			x := IndexFor(t, c.IndexConfig)
			x.Add(
				Wheel("Alpha.Pkg", "1.0", map[string]string{"alpha.py": "ANSWER = 42\n"}, "beta>=2"),
				Wheel("beta", "1.0", map[string]string{"beta.py": ""}),
				Wheel("beta", "2.1", map[string]string{"beta.py": ""}),
			)
			dir := t.TempDir()
			if out, err := pip(t, "install", "--index-url", x.URL(), "--target", dir, c.wanted); err != nil {
				t.Fatalf("pip: %v\n%s", err, out)
			}
			for _, want := range []string{"alpha.py", "beta.py", "beta-2.1.dist-info", "alpha_pkg-1.0.dist-info"} {
				if _, err := os.Stat(filepath.Join(dir, want)); err != nil {
					t.Errorf("not installed: %v", err)
				}
			}
		})
	}
}

func TestPipRefusesAWrongHash(t *testing.T) {
	x := IndexFor(t, IndexConfig{})
	f := Wheel("alpha", "1.0", nil)
	f.Hash = strings.Repeat("0", 64)
	x.Add(f)
	out, err := pip(t, "download", "-q", "--index-url", x.URL(), "-d", t.TempDir(), "alpha")
	if err == nil || !strings.Contains(out, "DO NOT MATCH THE HASHES") {
		t.Errorf("pip took a file with the wrong hash (%v):\n%s", err, out)
	}
}
