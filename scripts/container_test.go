package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// engine is a docker command that answers what scripts/container asks. STATE is the state of the
// server's container; UP is the exit code of `compose up`.
const engine = `#!/bin/sh
case "$*" in
"compose "*" up -d "*) exit ${UP:-0} ;;
"compose "*" ps -q vivarium") echo c0ffee ;;
"compose "*" port vivarium 8001") echo 0.0.0.0:8001 ;;
"inspect "*" c0ffee") echo "$STATE" ;;
"logs "*" c0ffee") echo "vivarium: cannot serve: no repository is let in" >&2 ;;
esac
`

func TestContainerTellsOfAServerThatDoesNotStayUp(t *testing.T) {
	for _, tt := range []struct {
		state, want, never string
		fails              bool
	}{
		{"running healthy", "address is 0.0.0.0:8001", "cannot serve", false},
		{"restarting unhealthy", "cannot serve: no repository is let in", "address", true},
		{"exited unhealthy", "cannot serve: no repository is let in", "address", true},
	} {
		t.Run(tt.state, func(t *testing.T) {
			out, err := container(t, "once", "STATE="+tt.state)
			if (err != nil) != tt.fails {
				t.Errorf("it ended with %v, want failure: %v", err, tt.fails)
			}
			if !strings.Contains(out, tt.want) || strings.Contains(out, tt.never) {
				t.Errorf("it says\n%s\nwant %q, and not %q", out, tt.want, tt.never)
			}
		})
	}
}

func TestContainerWatchTellsOfAnImageThatCannotBeBuilt(t *testing.T) {
	out, _ := container(t, "watch", "UP=1", "STATE=running healthy") // the old server still runs
	if !strings.Contains(out, "that failed; waiting for the next change") || strings.Contains(out, "address") {
		t.Errorf("it says\n%s\nwant that it failed, and no address", out)
	}
}

// container runs scripts/container with the made-up docker command. Its watch ends after the first
// turn.
func container(t *testing.T, mode string, env ...string) (string, error) {
	t.Helper()
	script, err := os.ReadFile("container")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files(t, dir, map[string]string{
		"scripts/container": string(script), "scripts/state": "#!/bin/sh\necho 1", ".env": "", "socket": "",
		"bin/docker": engine, "bin/sleep": "#!/bin/sh\nkill $PPID",
	})
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "scripts/container"), mode)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"),
		"DOCKER_SOCKET="+filepath.Join(dir, "socket"))
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// files writes executable files, by their path in dir.
func files(t *testing.T, dir string, contents map[string]string) {
	t.Helper()
	for name, content := range contents {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}
