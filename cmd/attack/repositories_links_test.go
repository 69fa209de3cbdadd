package attack

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/sandbox/egress/egresstest"
)

// linkTrick is a file that is not what it seems, and how the build ends.
type linkTrick struct {
	tried   string
	links   map[string]string
	files   map[string]string // the files beside the links
	cause   pipeline.Cause
	says    string            // in the log
	regular map[string]string // the control: the same as regular files
	control string            // what the control's log says
}

// canary stands at the beginning of the file that must not be read.
const canary = "canary-outside-7be2"

func linkTricks(outside string) map[string]linkTrick {
	const unread = "pyproject.toml: it cannot be read"
	return map[string]linkTrick{
		"passwd": {
			tried:   "pyproject.toml -> /etc/passwd",
			links:   map[string]string{"pyproject.toml": "/etc/passwd"},
			cause:   pipeline.CausePlan,
			says:    unread,
			regular: map[string]string{"pyproject.toml": "root:x:0:0:root:/root:/bin/bash\n"},
			control: "pyproject.toml, line 1: it is not valid TOML",
		},
		"file-of-the-host": {
			tried:   "setup.cfg and pyproject.toml -> a file of the server's machine",
			links:   map[string]string{"pyproject.toml": outside, "setup.cfg": outside},
			cause:   pipeline.CausePlan,
			says:    unread,
			regular: map[string]string{"pyproject.toml": "[tool.vivarium]\n" + canary + " = 1\n"},
			control: canary,
		},
		"loop": {
			tried:   "pyproject.toml -> a -> pyproject.toml",
			links:   map[string]string{"pyproject.toml": "a", "a": "pyproject.toml"},
			cause:   pipeline.CausePlan,
			says:    unread,
			regular: map[string]string{"pyproject.toml": "", "tests/test_it.py": passing},
			control: "1 test file in tests/",
		},
		"out-and-back": {
			tried:   "pyproject.toml -> a -> ../workspace/b",
			links:   map[string]string{"pyproject.toml": "a", "a": "../workspace/b"},
			files:   map[string]string{"b": "[tool.vivarium]\nevil = 1\n"},
			cause:   pipeline.CausePlan,
			says:    unread,
			regular: map[string]string{"pyproject.toml": "[tool.vivarium]\nevil = 1\n"},
			control: `has no setting "evil"`,
		},
		"huge": {
			tried:   "pyproject.toml of 10 MB",
			files:   map[string]string{"pyproject.toml": strings.Repeat("#\n", 5<<20)},
			cause:   pipeline.CausePlan,
			says:    "at most 256 KiB",
			regular: map[string]string{"pyproject.toml": strings.Repeat("#\n", 1000), "tests/test_it.py": passing},
			control: "1 test file in tests/",
		},
		"environ": {
			tried:   "requirements.txt -> /proc/self/environ, setup.py -> ../../x",
			links:   map[string]string{"requirements.txt": "/proc/self/environ", "setup.py": "../../x"},
			cause:   pipeline.CauseInstall,
			says:    "there is a requirements.txt\n",
			regular: map[string]string{"requirements.txt": "# " + canary, "setup.py": ""},
			control: "the project itself is not installed (there is a setup.py)",
		},
		"root": {
			tried:   "tests -> /, test -> /usr",
			links:   map[string]string{"tests": "/", "test": "/usr"},
			cause:   pipeline.CauseNoTests,
			says:    "none found",
			regular: map[string]string{"tests/test_it.py": passing},
			control: "1 test file in tests/",
		},
	}
}

// TestRepositoryLinks builds repositories whose files lead out of the tree, lead in a circle or are
// too large. The server must decide from the tree's own files only.
func TestRepositoryLinks(t *testing.T) {
	w := theWorld(t)
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("[tool.vivarium]\n"+canary+" = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ATTACK_CANARY", canary)
	for name, trick := range sorted(linkTricks(outside)) {
		attack(t, name, trick.tried, func(t *testing.T, l *line) {
			co, control := w.run(t, w.request(t, w.committed(t, egresstest.Commit{Files: trick.regular})))
			if said := control.String() + co.Summary; !strings.Contains(said, trick.control) {
				t.Errorf("control: the same in a regular file is not read:\n%s", said)
			}
			l.control = fmt.Sprintf("a regular file is read: %q", trick.control)
			o, log := w.run(t,
				w.request(t, w.committed(t, egresstest.Commit{Files: trick.files, Symlinks: trick.links})))
			said := log.String() + o.Summary
			if o.Cause != trick.cause || !strings.Contains(said, trick.says) {
				t.Errorf("the build ended with %q: %q", o.Cause, o.Summary)
			}
			for _, secret := range []string{canary, "root:x:0", "/bin/bash", token} {
				if strings.Contains(said, secret) {
					t.Errorf("the log holds %q", secret)
				}
			}
			l.outcome = fmt.Sprintf("failed by %s: %q, with nothing of what lies outside", o.Cause, o.Summary)
		})
	}
	w.folderOfLinks(t, outside)
}

// folderOfLinks lets the command line build a working tree whose links lead to a file of the
// machine. The tests print what the links lead to inside.
func (w *world) folderOfLinks(t *testing.T, outside string) {
	const shows = wholeLines +
		"import pathlib\nimport unittest\n\n\nclass T(unittest.TestCase):\n    def test(self):\n" +
		"        for p in 'inside', 'link', 'folder/outside', 'pipe':\n            try:\n" +
		"                print('\\nREAD', p, pathlib.Path(p).read_text())\n" +
		"            except OSError as e:\n                print('\\nNOT', p, type(e).__name__)\n"
	attack(t, "working-tree", "links from a working tree to a file and a folder of "+
		"the machine, sent by `vivarium run`", func(t *testing.T, l *line) {
		dir := t.TempDir()
		files := map[string]string{"test_it.py": shows, "inside": canary + "-regular"}
		writeTree(t, dir, maps.Clone(files))
		for name, target := range map[string]string{"link": outside, "folder": filepath.Dir(outside)} {
			if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		if text, err := os.ReadFile(filepath.Join(dir, "folder", "outside")); err != nil ||
			!strings.Contains(string(text), canary) {
			t.Errorf("control: on this machine the links lead nowhere: %v", err)
		}
		code, said := w.runFolder(t, dir)
		if code != 0 || !strings.Contains(said, "READ inside "+canary+"-regular") {
			t.Errorf("control: a regular file does not arrive (%d):\n%s", code, said)
		}
		l.control = "on this machine the links lead there; a regular file arrives"
		if strings.Contains(said, canary+" =") || strings.Count(said, "NOT ") != 3 {
			t.Errorf("the file outside arrived:\n%s", said)
		}
		l.outcome = "inside they lead nowhere"
	})
}
