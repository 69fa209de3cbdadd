package python

import (
	"slices"
	"strings"
	"testing"
)

func TestPlanNamesSubmodulesThatAreNotThere(t *testing.T) {
	const modules = "[submodule \"b\"]\n\tpath = vendor/b\n\turl = x\n[submodule \"a\"]\n\tpath = a\n[core]\n\tpath = no\n"
	got := detect(t, map[string]string{".gitmodules": modules, "a/present.py": ""}).NotFetched
	if want := []string{"submodule vendor/b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPlanNamesLFSPointers(t *testing.T) {
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("0", 64) + "\nsize 12345\n"
	plan := detect(t, map[string]string{
		".gitattributes":      "*.bin filter=lfs diff=lfs merge=lfs -text\ndata/** filter=lfs\n/top.txt filter=lfs\nkeep.bin -filter\n",
		"deep/.gitattributes": "*.bin !filter\n[!a]?.dat filter=lfs\n",
		"a.bin":               pointer,
		"sub/b.bin":           pointer,
		"keep.bin":            pointer,
		"deep/c.bin":          pointer,
		"deep/bx.dat":         pointer,
		"deep/ax.dat":         pointer,
		"data/x/y.csv":        pointer,
		"top.txt":             pointer,
		"sub/top.txt":         pointer,
		"real.bin":            strings.Repeat("x", 4096),
	})
	const want = "5 files of Git LFS: a.bin, data/x/y.csv, deep/bx.dat and 2 more"
	if got := strings.Join(plan.NotFetched, "; "); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if files := lfsPointers(newTree(survey(map[string]string{"a.bin": pointer}))); files != nil {
		t.Errorf("without .gitattributes: %q", files)
	}
}
