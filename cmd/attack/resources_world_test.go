package attack

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox/eventually"
	"vivarium/server/api"
	"vivarium/server/github/githubtest/events"
)

// The limits of the attacked server's builds: small, so that they are soon reached.
const (
	siteMemory = "256MiB"
	siteDisk   = "256MiB"
	siteInodes = 20000
	siteFiles  = 1024
	siteStored = 8 << 20 // of a log
)

// site is a real server with two workers: one for an attack, one for the build beside it.
type site struct {
	*served
	tmp   string // where the server puts temporary files
	repos int
}

// newSite starts the server. Its git host and its index are the attacker's, too.
func newSite(t *testing.T) *site {
	t.Helper()
	tmp := t.TempDir()
	return &site{tmp: tmp, served: serve(t,
		"VIVARIUM_WORKERS=2", "VIVARIUM_MEMORY="+siteMemory, "VIVARIUM_DISK="+siteDisk,
		"VIVARIUM_INODES="+strconv.Itoa(siteInodes), "VIVARIUM_FILES="+strconv.Itoa(siteFiles),
		"VIVARIUM_TIMEOUT="+patience(t, time.Minute).String(),
		"VIVARIUM_LOG_LIMIT="+strconv.Itoa(siteStored), "VIVARIUM_LOG_HARD_LIMIT=1200MiB", "TMPDIR="+tmp)}
}

// push commits these files to a repository of their own and delivers the push.
func (s *site) push(t *testing.T, name string, files map[string]string) (id string) {
	t.Helper()
	s.repos++
	repo := fmt.Sprintf("octo/%s-%d", name, s.repos)
	sha, err := s.Commit(t.Context(), repo, name, files)
	if err != nil {
		t.Fatal(err)
	}
	id, err = s.Push(t.Context(), events.Push{Repo: repo, SHA: sha})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// await waits for a build's end.
func (s *site) await(t *testing.T, id string) api.Build {
	t.Helper()
	var b api.Build
	if !eventually.Within(patience(t, 5*time.Minute), func() bool {
		var err error
		if b, err = s.Build(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		return b.State.Ended()
	}) {
		t.Fatalf("build %s does not end", id)
	}
	return b
}

// stored is what is kept of a build's log.
func (s *site) stored(t *testing.T, id string) string {
	t.Helper()
	var text strings.Builder
	if err := s.Read(t.Context(), id, &text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// took is a build's time in its sandbox.
func took(b api.Build) time.Duration {
	var first, last float64
	for _, step := range b.Steps {
		if step.StartedAt == nil || step.EndedAt == nil {
			continue
		}
		if first == 0 {
			first = *step.StartedAt
		}
		last = *step.EndedAt
	}
	return time.Duration((last - first) * float64(time.Second))
}

// hostile is a repository whose tests are one call of an attack program, with a table of
// [tool.vivarium].
func hostile(t testing.TB, call, config string) map[string]string {
	t.Helper()
	return map[string]string{
		"resources.py":   program(t, "resources.py"),
		"pyproject.toml": "[tool.vivarium]\n" + config + "\n",
		"test_attack.py": "import unittest\nimport resources\n\n\nclass Attack(unittest.TestCase):\n" +
			"    def test(self):\n        resources." + call + "\n",
	}
}

// innocent is an ordinary repository.
func innocent(t testing.TB) map[string]string {
	t.Helper()
	return map[string]string{"tests/__init__.py": "", "tests/test_ordinary.py": program(t, "innocent.py")}
}

// busy is an ordinary repository too, whose tests compute in as many processes as there are CPUs.
func busy() map[string]string {
	return map[string]string{"test_busy.py": `import hashlib, multiprocessing, os, time, unittest

def compute(seconds):
    end, data = time.monotonic() + seconds, bytes(1 << 20)
    while time.monotonic() < end:
        data = hashlib.sha256(data).digest() * (1 << 15)

class Busy(unittest.TestCase):
    def test(self):
        with multiprocessing.Pool(os.cpu_count()) as pool:
            pool.map(compute, [6] * os.cpu_count())
`}
}
