package attack

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vivarium/cmd/internal/harness"
	"vivarium/pipeline"
	"vivarium/sandbox/egress/egresstest"
	"vivarium/server/github/githubtest/events"
)

// plantedControl is what every search must find. It can be the name of a package, too.
const plantedControl = "planted_control_canary_0b6f"

// canaries are secrets, by the place where the server has them.
var canaries = map[string]string{
	"token":       harness.Token,
	"environment": "canary-environment-5d1c",
	"dotenv":      "canary-dotenv-88f0",
	"database":    "canary-database-2a97",
	"shm":         "canary-shm-61be",
	"memfd":       "canary-memfd-c3d4",
}

// TestSecrets lets a build dump all that it can reach. The server beside it has a secret in every
// place where a server may have one.
func TestSecrets(t *testing.T) {
	t.Parallel()
	s := serve(t, "OPERATOR_PASSWORD="+canaries["environment"])
	s.plant(t)
	s.Index.Add(egresstest.Wheel(plantedControl, "1.0", nil))
	setup, tests := s.attacked(t, attacker(t, "secrets.py", map[string]string{
		"canaries.json": hidden(t, canaries, plantedControl), "planted.txt": plantedControl,
	}))
	for _, name := range slices.Sorted(maps.Keys(setup)) {
		attack(t, name, "searching "+setup[name].tried, func(t *testing.T, l *line) {
			l.control = setup[name].detail + " by setup.py"
			if !strings.HasPrefix(setup[name].detail, "control found") {
				t.Errorf("control: setup.py does not find what was planted there: %+v", setup[name])
			}
			if name != "service" && !strings.HasPrefix(tests[name].detail, "control found") {
				t.Errorf("control: the tests do not find what was planted there: %+v", tests[name])
			}
			for phase, r := range map[string]result{"setup.py": setup[name], "tests": tests[name]} {
				if r.outcome != "refused" {
					t.Errorf("in %s it %s: %s", phase, r.outcome, r.detail)
				}
			}
			l.outcome = "none of the server's secrets in setup.py and tests; there " + tests[name].detail
		})
	}
}

// plant puts canaries where a server has its secrets. The one in the database is another
// repository's build.
func (s *served) plant(t *testing.T) {
	t.Helper()
	sha, err := s.World.Commit(t.Context(), "octo/private", "private", map[string]string{"a.py": ""})
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.Push(t.Context(),
		events.Push{Repo: "octo/private", SHA: sha, Private: true, Message: canaries["database"]})
	if err != nil {
		t.Fatal(err)
	}
	s.until(t, id, ended)
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(s.DataDir, ".env"), "GITHUB_WEBHOOK_SECRET="+canaries["dotenv"]+"\n")
	shm := filepath.Join("/dev/shm", "vivarium-attack-"+filepath.Base(s.DataDir))
	write(shm, canaries["shm"])
	t.Cleanup(func() {
		if err := os.Remove(shm); err != nil {
			t.Error(err)
		}
	})
	fd, err := unix.MemfdCreate("vivarium-attack", 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "memfd")
	t.Cleanup(func() { file.Close() })
	if _, err := file.WriteString(canaries["memfd"]); err != nil {
		t.Fatal(err)
	}
}

// attacked builds an attacker's repository on the server.
func (s *served) attacked(t *testing.T, files map[string]string) (setup, tests map[string]result) {
	t.Helper()
	log, state := s.built(t, "octo/attacker", files)
	if state != pipeline.Passed {
		t.Fatalf("the build that runs the attack is %s; its log:\n%s", state, log)
	}
	return bothResults(t, log)
}

// built builds a repository on the server and gives what is stored of its log.
func (s *served) built(t *testing.T, repo string, files map[string]string) (log string, state pipeline.State) {
	t.Helper()
	sha, err := s.World.Commit(t.Context(), repo, "attack", files)
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.Push(t.Context(), events.Push{Repo: repo, SHA: sha})
	if err != nil {
		t.Fatal(err)
	}
	b := s.until(t, id, ended)
	var text strings.Builder
	if err := s.Read(t.Context(), id, &text); err != nil {
		t.Fatal(err)
	}
	return text.String(), b.State
}

// hidden encodes canaries, so that a search does not find its own list.
func hidden(t *testing.T, canaries map[string]string, control string) string {
	t.Helper()
	all := map[string]string{"control": hide(control)}
	for name, text := range canaries {
		all[name] = hide(text)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// hide is undone by secrets.py.
func hide(text string) string {
	b := []byte(text)
	for i := range b {
		b[i] ^= 0x5a
	}
	return base64.StdEncoding.EncodeToString(b)
}
