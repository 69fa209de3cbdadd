package worktree

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vivarium/cmd/internal/treetest"
)

// TestIgnoreRulesAgreeWithGit compares the files that would be sent with those that git calls
// tracked, or untracked and not ignored.
func TestIgnoreRulesAgreeWithGit(t *testing.T) {
	files := []string{
		"a.py", "a.pyc", "b.log", "keep.log", "sub/a.py", "sub/a.log", "sub/keep.log", "sub/deep/a.log",
		"sub/deep/x/y.py",
		"build/out.py", "sub/build/out.py", "doc/build/index.html", "data/a.bin", "data/b.bin", "data/keep/c.bin",
		"with space/a b.txt", "trailing ", "#hash", "!bang", "[x].py", "x.py", "y.py", "-.py", "é.py", "ab.py", "ac.py",
		"a/b/c/d.txt",
		"a/x/b", "a/y/b", "foo/bar/baz/qux", "foo/qux", "qux", "node/node_modules/x/i.js", "back\\slash", "UPPER.TXT",
		"dir.txt/f",
	}
	for _, tc := range []struct {
		name  string
		rules map[string]string // .gitignore by folder
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
			treetest.Git(t, dir, "init", "-q")
			for _, f := range files {
				treetest.Write(t, filepath.Join(dir, f), "x")
			}
			for folder, rules := range tc.rules {
				treetest.Write(t, filepath.Join(dir, folder, ".gitignore"), rules)
			}
			want := strings.Split(strings.Trim(treetest.Git(t, dir, "ls-files", "-z", "--cached", "--others",
				"--exclude-standard"), "\x00"), "\x00")
			slices.Sort(want)
			if got := sentFiles(t, dir); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// sentFiles are the files and links of a folder that would be sent, sorted.
func sentFiles(t *testing.T, dir string) []string { return sent(t, dir, false) }

// sentFolders are the names of folders, with a slash at the end.
func sentFolders(t *testing.T, dir string) []string { return sent(t, dir, true) }

func sent(t *testing.T, dir string, folders bool) []string {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", "")
	w, err := Open(dir, Limits{Bytes: 1 << 30, Files: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	names := []string{}
	for _, e := range w.entries {
		switch {
		case e.info.IsDir() && folders:
			names = append(names, e.name+"/")
		case !e.info.IsDir() && !folders:
			names = append(names, e.name)
		}
	}
	slices.Sort(names)
	return names
}

// The rules of a folder and of all folders above it are held together.
func TestIgnoreFilesBelowEachOtherAreBoundedTogether(t *testing.T) {
	rules := strings.Repeat("name-name\n", maxRules*2/3/10)
	beside, below := t.TempDir(), t.TempDir()
	for _, folder := range []string{"a", "b", "c"} {
		treetest.Write(t, filepath.Join(beside, folder, ".gitignore"), rules)
	}
	if got := sentFiles(t, beside); len(got) != 3 {
		t.Errorf("control: got %q, want three files", got)
	}
	for _, folder := range []string{"a", "a/b"} {
		treetest.Write(t, filepath.Join(below, folder, ".gitignore"), rules)
	}
	limits := Limits{Bytes: 1 << 30, Files: 100}
	if w, err := Open(below, limits); err == nil ||
		!strings.Contains(err.Error(), "a/b/.gitignore: its ignore files hold") {
		t.Errorf("got %v, %v; want a refusal", w, err)
	}
	if w, err := Open(filepath.Join(below, "a/b"), limits); err != nil {
		t.Errorf("a folder that is no part of a git work tree, alone: %v", err)
	} else {
		w.Close()
	}
	treetest.Git(t, below, "init", "-q")
	if w, err := Open(filepath.Join(below, "a/b"), limits); err == nil ||
		!strings.Contains(err.Error(), "its ignore files hold") {
		t.Errorf("got %v, %v; want a refusal by the rules above as well", w, err)
	}
}
