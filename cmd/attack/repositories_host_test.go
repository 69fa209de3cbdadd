package attack

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// gitTrick is one way in which a tree names a program, and what its owner would type for git to run
// it.
type gitTrick struct {
	tried  string
	files  map[string]string // %s is the program, which leaves a mark with the trick's name
	config string            // the same for .git/config
	git    [][]string        // the control
}

// off switches core.fsmonitor off, another trick of the tree, so that it does not disturb a
// control.
var off = []string{"-c", "core.fsmonitor=false"}

var gitTricks = map[string]gitTrick{
	"fsmonitor": {tried: "core.fsmonitor", config: "[core]\nfsmonitor = %s", git: [][]string{{"status"}}},
	"hook-index": {
		tried: "a hook in .git/hooks",
		files: map[string]string{".git/hooks/post-index-change": "#!/bin/sh\n%s"},
		git:   [][]string{{"-c", "core.hooksPath=.git/hooks", "rm", "-q", "--cached", "hooked"}},
	},
	"hook-commit": {
		tried: "a hook in .git/hooks",
		files: map[string]string{".git/hooks/pre-commit": "#!/bin/sh\n%s"},
		git:   [][]string{{"-c", "core.hooksPath=.git/hooks", "commit", "--allow-empty", "-m", "x"}},
	},
	"hooks-path": {
		tried:  "core.hooksPath to a folder of the tree",
		files:  map[string]string{".githooks/post-checkout": "#!/bin/sh\n%s"},
		config: "[core]\nhooksPath = .githooks",
		git:    [][]string{{"checkout", "-q", "-f"}},
	},
	"filter-clean": {
		tried:  "filter.NAME.clean",
		files:  map[string]string{".gitattributes": "*.clean filter=clean\n", "a.clean": "x"},
		config: "[filter \"clean\"]\nclean = %s",
		git:    [][]string{{"add", "a.clean"}},
	},
	"filter-smudge": {
		tried:  "filter.NAME.smudge",
		files:  map[string]string{"smudge/.gitattributes": "*.txt filter=smudge\n", "smudge/hooked.txt": "x"},
		config: "[filter \"smudge\"]\nsmudge = %s",
		git:    [][]string{{"add", "smudge"}, {"checkout-index", "--prefix=out/", "smudge/hooked.txt"}},
	},
	"filter-process": {
		tried:  "filter.NAME.process",
		files:  map[string]string{"process/.gitattributes": "*.txt filter=process\n", "process/a.txt": "x"},
		config: "[filter \"process\"]\nprocess = %s",
		git:    [][]string{{"add", "process/a.txt"}},
	},
	"diff-textconv": {
		tried:  "diff.NAME.textconv",
		files:  map[string]string{"diff/.gitattributes": "*.txt diff=conv\n", "diff/a.txt": "x"},
		config: "[diff \"conv\"]\ntextconv = %s",
		git: [][]string{{"diff", "--no-index", "--textconv", "hooked", "diff/a.txt"}, {"add", "diff"},
			{"show", "--textconv", ":diff/a.txt"}},
	},
	"ssh-command": {
		tried:  "core.sshCommand",
		config: "[core]\nsshCommand = %s",
		git:    [][]string{{"ls-remote", "ssh://git.example/x"}},
	},
	"remote-helper": {
		tried:  "a remote by ext::",
		config: "[remote \"evil\"]\nurl = ext::%s\n[protocol \"ext\"]\nallow = always",
		git:    [][]string{{"ls-remote", "evil"}},
	},
	"upload-pack": {
		tried:  "remote.NAME.uploadpack",
		config: "[remote \"pack\"]\nurl = .\nuploadpack = %s",
		git:    [][]string{{"ls-remote", "pack"}},
	},
	"credential": {
		tried:  "credential.helper",
		config: "[credential]\nhelper = \"!%s\"",
		git:    [][]string{{"credential", "fill"}},
	},
	"alias": {tried: "an alias", config: "[alias]\nevil = \"!%s\"", git: [][]string{{"evil"}}},
	"editor": {
		tried:  "core.editor",
		config: "[core]\neditor = %s",
		git:    [][]string{{"commit", "--no-verify", "--allow-empty"}},
	},
	"included-config": {
		tried:  "a configuration that includes a file of the tree",
		files:  map[string]string{"evil.cfg": "[alias]\nmore = \"!%s\"\n"},
		config: "[include]\npath = ../evil.cfg",
		git:    [][]string{{"more"}},
	},
	"bare-repository": {
		tried: "a committed folder that is a bare repository",
		git: [][]string{{"-C", "bare",
			"status"}},
		files: map[string]string{
			"bare/HEAD": "ref: refs/heads/main\n", "bare/objects/keep": "", "bare/refs/keep": "",
			"bare/config": "[core]\nrepositoryformatversion = 0\nbare = false\nworktree = .\nfsmonitor = %s\n"},
	},
	"git-file": {
		tried: "a .git that is a file and names such a folder",
		git: [][]string{{"-C", "linked",
			"status"}},
		files: map[string]string{
			"linked/.git": "gitdir: ../bare2\n", "linked/a.py": "", "bare2/HEAD": "ref: refs/heads/main\n",
			"bare2/objects/keep": "", "bare2/refs/keep": "",
			"bare2/config": "[core]\nrepositoryformatversion = 0\nbare = false\nfsmonitor = %s\n"},
	},
}

// TestRepositoryOnTheHost lets the command line build a working tree of this machine that names
// programs wherever git would run one. Then git itself is used in the same tree.
func TestRepositoryOnTheHost(t *testing.T) {
	w := theWorld(t)
	dir, marks := filepath.Join(t.TempDir(), "tree"), t.TempDir()
	writeTree(t, dir, map[string]string{
		"tests/test_it.py": passing,
		"hooked":           "",
		"fake/git":         "#!/bin/sh\ntouch " + marks + "/path\n",
	})
	gitIn(t, dir, "init", "-q")
	gitIn(t, dir, "add", "hooked", "tests")
	setTricks(t, dir, marks)
	t.Setenv("PATH", filepath.Join(dir, "fake")+":"+os.Getenv("PATH")) // a git in the tree, which must not be found
	vivarium(t)
	code, said := w.runFolder(t, dir)
	before := listOf(t, marks)
	linkedCode, linkedSaid := w.runFolder(t, filepath.Join(dir, "linked"))
	linked := listOf(t, marks)
	gitIn(t, dir, "status")
	if !listOf(t, marks)["path"] {
		t.Error("control: not even the search path's git ran")
	}
	t.Setenv("PATH", strings.TrimPrefix(os.Getenv("PATH"), filepath.Join(dir, "fake")+":"))
	if code != 0 || linkedCode == 0 || len(before)+len(linked) > 0 {
		t.Errorf("the builds exited with %d and %d, programs %v ran:\n%s\n%s", code, linkedCode, linked, said,
			linkedSaid)
	}
	for name, trick := range sorted(gitTricks) {
		attack(t, name, trick.tried+", in a tree that `vivarium run` builds", func(t *testing.T, l *line) {
			if err := os.RemoveAll(filepath.Join(marks, name)); err != nil {
				t.Fatal(err)
			}
			var words string
			for _, args := range trick.git {
				if name != "fsmonitor" && name != "bare-repository" && name != "git-file" {
					args = append(append([]string{}, off...), args...)
				}
				words += gitIn(t, dir, args...)
			}
			if !listOf(t, marks)[name] {
				t.Errorf("control: git %q ran nothing: %s", trick.git, words)
			}
			l.control = "git " + strings.Join(trick.git[len(trick.git)-1], " ") + " runs it"
			if before[name] || linked[name] {
				t.Error("it ran")
			}
			l.outcome = fmt.Sprintf("it did not run, and the build exits %d", code)
		})
	}
}

// setTricks puts all tricks into one tree. The program of each leaves its name among the marks.
func setTricks(t *testing.T, dir, marks string) {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(dir, ".git", "config"))
	if err != nil {
		t.Fatal(err)
	}
	all, text := map[string]string{}, string(config)
	for name, trick := range sorted(gitTricks) {
		program := filepath.Join(marks+"-programs", name)
		writeTree(t, filepath.Dir(program),
			map[string]string{name: "#!/bin/sh\ntouch '" + filepath.Join(marks, name) + "'\n"})
		files := maps.Clone(trick.files)
		for path := range files {
			files[path] = strings.ReplaceAll(files[path], "%s", program)
		}
		maps.Copy(all, files)
		text += strings.ReplaceAll(trick.config, "%s", program) + "\n"
	}
	all[".git/config"] = text
	writeTree(t, dir, all)
}

// listOf gives the names in a folder.
func listOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name()] = true
	}
	return names
}
