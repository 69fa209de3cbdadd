package egress

import (
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"vivarium/sandbox/egress/egresstest"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// newIndex makes an index for up that trusts its certificate and reaches its files.
func newIndex(t *testing.T, up *egresstest.Index, change func(*IndexConfig)) *Index {
	t.Helper()
	u, err := url.Parse(up.URL())
	if err != nil {
		t.Fatal(err)
	}
	c := IndexConfig{Upstream: u, CacheDir: filepath.Join(t.TempDir(), "cache"), Allow: loopback, RootCAs: up.RootCAs()}
	if change != nil {
		change(&c)
	}
	x, err := NewIndex(c)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// notes collects a session's lines.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

func (n *notes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lines)
}

func (n *notes) contains(s string) bool {
	return slices.ContainsFunc(n.all(), func(line string) bool { return strings.Contains(line, s) })
}

// session serves one build's view of x; the address has no slash at its end.
func newSession(t *testing.T, x *Index) (string, *notes) {
	t.Helper()
	n := &notes{}
	return serve(t, x.Session(n.add, 0)), n
}

func runPip(t *testing.T, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "python3", append([]string{"-m", "pip"}, args...)...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PIP_CONFIG_FILE=" + os.DevNull,
		"PIP_NO_CACHE_DIR=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_INPUT=1"}
	out, err := c.CombinedOutput()
	return string(out), err
}

func TestPipInstallsThroughTheIndex(t *testing.T) {
	for name, c := range map[string]egresstest.IndexConfig{
		"json, files over https": {FilesTLS: true, Password: "s3cret-index"},
		"html, files over http":  {HTMLOnly: true},
	} {
		t.Run(name, func(t *testing.T) {
			up := egresstest.IndexFor(t, c)
			future := egresstest.Wheel("beta", "3.0", nil)
			future.RequiresPython = ">=4"
			yanked := egresstest.Wheel("beta", "2.5", nil)
			yanked.Yanked = "broken"
			up.Add(
				egresstest.Wheel("Alpha.Pkg", "1.0+local.1", map[string]string{"alpha.py": "ANSWER = 42\n"}, "beta>=2"),
				egresstest.Wheel("beta", "2.1", map[string]string{"beta.py": strings.Repeat("# beta\n", 100_000)}),
				yanked,
				future,
			)
			x := newIndex(t, up, func(ic *IndexConfig) {
				if c.Password != "" {
					ic.Upstream.User = url.UserPassword("reader", c.Password)
				}
			})
			s, n := newSession(t, x)
			dir := t.TempDir()
			out, err := runPip(t, "install", "-q", "--no-compile", "--index-url", s+IndexPath, "--target", dir,
				"alpha-pkg")
			if err != nil {
				t.Fatalf("pip: %v\n%s\n%v", err, out, n.all())
			}
			for _, want := range []string{"alpha.py", "beta.py", "beta-2.1.dist-info"} {
				if _, err := os.Stat(filepath.Join(dir, want)); err != nil {
					t.Errorf("not installed: %v", err)
				}
			}
			if got := n.all(); len(got) != 0 {
				t.Errorf("notes about a good install: %q", got)
			}
		})
	}
}
