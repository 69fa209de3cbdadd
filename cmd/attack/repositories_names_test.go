package attack

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"vivarium/cmd/internal/harness"
	"vivarium/pipeline"
)

// hostileNames are names that git takes, but that a line-based program, a case-insensitive one or a
// short buffer gets wrong.
var hostileNames = map[string][]string{
	"case":     {"README.md", "readme.md", "Tests/a.py", "pyproject.TOML"},
	"newline":  {"a\n/tmp/evil.py", "test_b\n  install      nothing.py", "\n"},
	"control":  {"\x01\x02\x1b[2J.py", "a\tb.py", "\r.py", "\x7f"},
	"no-utf-8": {"\xff\xfe.py", "a/\xc3(.py"},
	"long":     {strings.Repeat("n", 255), strings.Repeat("é", 127)},
	"deep":     {strings.Repeat(strings.Repeat("d", 200)+"/", 15) + "a.py"},
	"options":  {"--config=evil", "-rf", "@argfile", "*", "$(touch ran)", "`touch ran`;", " "},
	"windows":  {"CON", "aux.py", "a:b", `..\..\evil`, "trailing. "},
}

// lists is a test that prints the names in the workspace, byte by byte, and what was written beside
// it.
const lists = wholeLines + `import os
import unittest


class T(unittest.TestCase):
    def test(self):
        print()
        for root, dirs, files in os.walk(b"/tmp/workspace"):
            dirs[:] = [d for d in dirs if d != b".git"]
            for name in files:
                print("HELD", os.path.relpath(os.path.join(root, name), b"/tmp/workspace").hex())
        print("BESIDE", [p for p in ("/tmp/evil.py", "/evil", "/tmp/workspace/ran", "/tmp/evil") ` +
	`if os.path.exists(p)])
`

// TestRepositoryNames builds a repository with such names, and the same files as a folder with the
// command line.
func TestRepositoryNames(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	files := map[string]string{"tests/test_it.py": lists}
	for _, names := range hostileNames {
		for _, name := range names {
			files[name] = "x = 1\n"
		}
	}
	o, l := w.build(t, files)
	if o.State != pipeline.Passed {
		t.Fatalf("the build ended as %s %s: %s", o.State, o.Cause, o.Summary)
	}
	dir := t.TempDir()
	writeTree(t, dir, files)
	code, said := w.runFolder(t, dir)
	for name, list := range sorted(hostileNames) {
		attack(t, name, fmt.Sprintf("files named %.60q", list), func(t *testing.T, line *line) {
			for way, log := range map[string]string{"pushed": l.String(), "as a folder": said} {
				if !strings.Contains(log, fmt.Sprintf("HELD %x\n", "tests/test_it.py")) {
					t.Errorf("control: %s, an ordinary name is not held", way)
				}
				for _, file := range list {
					if !strings.Contains(log, fmt.Sprintf("HELD %x\n", file)) {
						t.Errorf("%s, %.80q is not there", way, file)
					}
				}
				if !strings.Contains(log, "BESIDE []") {
					t.Errorf("%s, something came to be outside of the workspace", way)
				}
			}
			if code != 0 {
				t.Errorf("`vivarium run` exits with %d", code)
			}
			line.control = "an ordinary file is told of in the same way"
			line.outcome = "all are in the workspace as they are named, nothing is beside it, and both builds pass"
		})
	}
	w.refusedNames(t)
}

// refusedNames builds trees that git itself does not check out.
func (w *world) refusedNames(t *testing.T) {
	for name, top := range sorted(map[string]string{
		"git-folder": ".git", "git-folder-in-capitals": ".GIT", "git-folders-short-name": "git~1", "parent": "..",
		"too-long": strings.Repeat("n", 256),
	}) {
		attack(t, name, fmt.Sprintf("a tree that holds %.20s/config", top), func(t *testing.T, l *line) {
			if o, _ := w.run(t, w.request(t, w.treeWith(t, "folder"))); o.Cause != pipeline.CauseNoTests {
				t.Errorf("control: a tree with another name ends with %q: %s", o.Cause, o.Summary)
			}
			l.control = "the same tree with another name is checked out"
			o, log := w.run(t, w.request(t, w.treeWith(t, top)))
			if o.Cause != pipeline.CauseClone || strings.Contains(log.String(), "Plan\n") {
				t.Errorf("the build ended with %q: %s", o.Cause, o.Summary)
			}
			l.outcome = "errored by clone: " + o.Summary
		})
	}
}

// treeWith makes a commit whose tree holds a folder of this name, even one that git would not add,
// and pushes it.
func (w *world) treeWith(t *testing.T, top string) pipeline.Git {
	t.Helper()
	source, dir := w.commit(t, map[string]string{"a": ""}), t.TempDir()
	git := func(stdin string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
		cmd.Env = append(harness.Environ(), "HOME="+dir, "GIT_CONFIG_NOSYSTEM=1",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a",
			"GIT_COMMITTER_EMAIL=a@example.com")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %q: %v", args, err)
		}
		return strings.TrimSpace(string(out))
	}
	git("", "init", "-q")
	blob := git("[core]\n\tfsmonitor = touch /tmp/ran\n", "hash-object", "-w", "--stdin")
	folder := git("100644 blob "+blob+"\tconfig\x00", "mktree", "-z")
	commit := git("x", "commit-tree", git("040000 tree "+folder+"\t"+top+"\x00", "mktree", "-z"))
	git("", "-c", "http.extraHeader=Authorization: "+authorization, "push", "-q", "-f", source.URL.String(),
		commit+":refs/heads/evil")
	source.SHA = commit
	return source
}
