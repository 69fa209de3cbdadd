package attack

import (
	"strings"
	"testing"

	"vivarium/pipeline"
	"vivarium/sandbox/egress/egresstest"
)

// pushedTricks is a repository that names programs and addresses in every way that a clone brings
// along.
func pushedTricks(t *testing.T) egresstest.Commit {
	t.Helper()
	const runs = "sh /tmp/workspace/payload.sh "
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("0", 64) + "\nsize 12345\n"
	return egresstest.Commit{
		Files: map[string]string{
			"test_tricks.py": program(t, "gittricks.py"), "payload.sh": "touch /tmp/ran-$1\ncat\n",
			"mark.sh":        "touch /tmp/ran-$1\n",
			".gitattributes": "*.evil filter=evil diff=evil merge=evil\n*.bin filter=lfs diff=lfs merge=lfs -text\n",
			"a.evil":         "x\n", "asset.bin": pointer,
			".gitconfig": "[alias]\n\tevil = !" + runs + "config-of-the-tree </dev/null\n",
			".gitmodules": "[submodule \"ext\"]\n\tpath = ext\n\turl = ext::sh /tmp/workspace/mark.sh submodule-ext\n" +
				"[submodule \"file\"]\n\tpath = file\n\turl = file:///tmp/target.git\n",
			"bare/HEAD": "ref: refs/heads/main\n", "bare/objects/keep": "", "bare/refs/keep": "",
			"bare/config": "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n\tfsmonitor = " +
				runs + "bare-repository </dev/null;\n",
		},
		Programs: map[string]string{".githooks/post-checkout": "#!/bin/sh\n" + runs + "hooks </dev/null\n"},
		Gitlinks: map[string]string{"ext": strings.Repeat("1", 40), "file": strings.Repeat("1", 40)},
	}
}

// TestRepositoryPushed builds a repository that names programs. Its tests first check which of them
// have run. As the control, they then tell git in the same checkout to use what the repository
// names.
func TestRepositoryPushed(t *testing.T) {
	w := theWorld(t)
	o, l := w.run(t, w.request(t, w.committed(t, pushedTricks(t))))
	if o.State != pipeline.Passed {
		t.Fatalf("the build ended as %s %s: %s", o.State, o.Cause, o.Summary)
	}
	named := map[string]string{
		"submodule-ext": "not fetched  submodule ext\n", "submodule-file": "not fetched  submodule file\n",
		"lfs-pointer": "not fetched  1 file of Git LFS: asset.bin\n",
	}
	for name, r := range sorted(results(t, l.String())) {
		attack(t, name, "a pushed repository that names a program or an address", func(t *testing.T, line *line) {
			if r.detail != "ran" {
				t.Errorf("control: %s did not use it: %s", r.tried, r.detail)
			}
			line.control = "in the same checkout it is used by " + r.tried
			if r.outcome != "refused" {
				t.Error("it was used during the build")
			}
			line.outcome = "not used until then"
			if text := named[name]; text != "" {
				if !strings.Contains(l.String(), text) {
					t.Errorf("the plan does not say %q", text)
				}
				line.outcome += "; the plan says: " + strings.TrimSpace(text)
			}
		})
	}
}
