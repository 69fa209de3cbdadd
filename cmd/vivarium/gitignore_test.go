package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestIgnoreRulesAgreeWithGit compares what is sent of a tree with what git calls tracked
// or untracked but not ignored.
func TestIgnoreRulesAgreeWithGit(t *testing.T) {
	files := []string{
		"a.py", "a.pyc", "b.log", "keep.log", "sub/a.py", "sub/a.log", "sub/keep.log", "sub/deep/a.log", "sub/deep/x/y.py",
		"build/out.py", "sub/build/out.py", "doc/build/index.html", "data/a.bin", "data/b.bin", "data/keep/c.bin",
		"with space/a b.txt", "trailing ", "#hash", "!bang", "[x].py", "x.py", "y.py", "-.py", "é.py", "ab.py", "ac.py", "a/b/c/d.txt",
		"a/x/b", "a/y/b", "foo/bar/baz/qux", "foo/qux", "qux", "node/node_modules/x/i.js", "back\\slash", "UPPER.TXT", "dir.txt/f",
	}
	for _, tc := range []struct {
		name  string
		rules map[string]string // folder: its .gitignore
	}{
		{"nothing", nil},
		{"suffix", map[string]string{"": "*.log\n*.pyc\n"}},
		{"negated", map[string]string{"": "*.log\n!keep.log\n"}},
		{"negated in a folder", map[string]string{"": "*.log", "sub": "!*.log"}},
		{"folder only", map[string]string{"": "build/\n"}},
		{"anchored", map[string]string{"": "/build\n/a.py"}},
		{"anchored below", map[string]string{"sub": "/build\n/deep/a.log"}},
		{"file that a folder rule does not match", map[string]string{"": "qux/\n"}},
		{"white list", map[string]string{"": "*\n!*/\n!*.py\n"}},
		{"white list of a folder", map[string]string{"": "/*\n!/sub\n/sub/*\n!/sub/deep\n"}},
		{"ignored parent wins", map[string]string{"": "data/\n!data/keep/c.bin\n"}},
		{"content of a folder", map[string]string{"": "data/*\n!data/keep\n"}},
		{"leading double star", map[string]string{"": "**/build\n**/foo/qux"}},
		{"middle double star", map[string]string{"": "foo/**/qux\na/**/b"}},
		{"two double stars", map[string]string{"": "**/bar/**/qux"}},
		{"trailing double star", map[string]string{"": "foo/**\n!foo/qux"}},
		{"question mark", map[string]string{"": "?.py\na?.py"}},
		{"class", map[string]string{"": "[ax].py\n[!a].log"}},
		{"range", map[string]string{"": "[a-w].py"}},
		{"class of characters", map[string]string{"": "[[:upper:]]*"}},
		{"class that is not closed", map[string]string{"": "[ax.py"}},
		{"escapes", map[string]string{"": "\\#hash\n\\!bang\n\\[x].py\nback\\\\slash"}},
		{"comment", map[string]string{"": "# a.py\n#hash\n"}},
		{"trailing spaces", map[string]string{"": "a.py   \ntrailing\\ \n"}},
		{"name with spaces", map[string]string{"": "with space/a b.txt"}},
		{"Windows line ends", map[string]string{"": "*.log\r\n!keep.log\r\n"}},
		{"byte order mark", map[string]string{"": "\ufeffa.py\n"}},
		{"star does not cross a slash", map[string]string{"": "a/*.txt\na/*/c"}},
		{"star within a name", map[string]string{"": "foo/b*r/baz"}},
		{"empty and odd lines", map[string]string{"": "\n/\n!\n   \n//\n"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			git(t, dir, "init", "-q")
			for _, f := range files {
				write(t, filepath.Join(dir, f), "x")
			}
			for folder, rules := range tc.rules {
				write(t, filepath.Join(dir, folder, ".gitignore"), rules)
			}
			want := strings.Split(strings.Trim(git(t, dir, "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00"), "\x00")
			slices.Sort(want)
			if got := sentFiles(t, dir); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// sentFiles are the files and links that would be sent of a folder, sorted.
func sentFiles(t *testing.T, dir string) []string {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", "")
	w, err := openWorkTree(dir, treeLimits{bytes: 1 << 30, files: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	names := []string{}
	for _, e := range w.entries {
		if !e.info.IsDir() {
			names = append(names, e.name)
		}
	}
	slices.Sort(names)
	return names
}

// git runs git in a tree of the test's own making, with nothing inherited.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.org", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.org"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %q: %v", args, err)
	}
	return string(out)
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Rules that are held at one time are those of a folder and of all above it.
func TestIgnoreFilesBelowEachOtherAreBoundedTogether(t *testing.T) {
	rules := strings.Repeat("name-name\n", maxRules*2/3/10)
	beside, below := t.TempDir(), t.TempDir()
	for _, folder := range []string{"a", "b", "c"} {
		write(t, filepath.Join(beside, folder, ".gitignore"), rules)
	}
	if got := sentFiles(t, beside); len(got) != 3 {
		t.Errorf("control: got %q, want three files", got)
	}
	for _, folder := range []string{"a", "a/b"} {
		write(t, filepath.Join(below, folder, ".gitignore"), rules)
	}
	limits := treeLimits{bytes: 1 << 30, files: 100}
	if w, err := openWorkTree(below, limits); err == nil || !strings.Contains(err.Error(), "a/b/.gitignore: its ignore files hold") {
		t.Errorf("got %v, %v; want a refusal", w, err)
	}
	if w, err := openWorkTree(filepath.Join(below, "a/b"), limits); err != nil {
		t.Errorf("a folder that is no part of a git work tree, alone: %v", err)
	} else {
		w.Close()
	}
	git(t, below, "init", "-q")
	if w, err := openWorkTree(filepath.Join(below, "a/b"), limits); err == nil || !strings.Contains(err.Error(), "its ignore files hold") {
		t.Errorf("got %v, %v; want a refusal by the rules above as well", w, err)
	}
}
