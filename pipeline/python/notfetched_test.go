package python

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"vivarium/pipeline/python/checkout"
	"vivarium/sandbox"
)

func TestPlanNamesSubmodulesThatAreNotThere(t *testing.T) {
	const modules = "[submodule \"b\"]\n\tpath = vendor/b\n\turl = x\n[submodule \"a\"]\n\tpath = a\n[core]\n" +
		"\tpath = no\n"
	got := detect(t, map[string]string{".gitmodules": modules, "a/present.py": ""}).NotFetched
	if want := []string{"submodule vendor/b", "tags and history"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPlanNamesSubmodulesThatGitmodulesDoesNot(t *testing.T) {
	s := survey(map[string]string{".gitmodules": "[submodule \"b\"]\n\tpath = b\n", "a/x.py": ""})
	s.Files = append(s.Files, sandbox.File{Path: "b", Dir: true}, sandbox.File{Path: "vendored", Dir: true})
	got := notFetched(checkout.New(s))
	if want := []string{
		"submodule b",
		"submodule vendored, which .gitmodules does not name",
	}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHistoryIsFetchedWhereTheVersionNeedsIt(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  bool
	}{
		"setuptools_scm": {
			map[string]string{"pyproject.toml": "[build-system]\nrequires=['setuptools_scm>=6']"},
			true,
		},
		"hatch-vcs":        {map[string]string{"pyproject.toml": "[build-system]\nrequires=['a', 'hatch-vcs']"}, true},
		"pbr":              {map[string]string{"setup.py": "setup(setup_requires=['pbr'], pbr=True)"}, true},
		"versioneer":       {map[string]string{"setup.py": "import versioneer"}, true},
		"PDM":              {map[string]string{"pyproject.toml": "[tool.pdm.version]\nsource = 'scm'"}, true},
		"configured":       {map[string]string{"pyproject.toml": "[tool.vivarium]\nhistory = true"}, true},
		"a plain project":  {map[string]string{"pyproject.toml": "[build-system]\nrequires=['setuptools']"}, false},
		"nothing of these": {map[string]string{"a.py": ""}, false},
	} {
		plan := detect(t, c.files)
		if got := plan.History != ""; got != c.want || got == slices.Contains(plan.NotFetched, "tags and history") {
			t.Errorf("%s: got %q and %q", name, plan.History, plan.NotFetched)
		}
	}
}

func TestPlanNamesLFSPointers(t *testing.T) {
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("0", 64) + "\nsize 12345\n"
	plan := detect(t, map[string]string{
		".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\ndata/** filter=lfs\n/top.txt filter=lfs\n" +
			"keep.bin -filter\n",
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
	if got := plan.NotFetched[0]; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if files, all := lfsPointers(checkout.New(survey(map[string]string{"a.bin": pointer}))); files != nil || !all {
		t.Errorf("without .gitattributes: %q, %t", files, all)
	}
}

func TestLFSPatternsAreOnlyMatchedAsFarAsTheyAreCheap(t *testing.T) {
	files := map[string]string{
		".gitattributes": strings.Repeat("*a", 1000) + " filter=lfs\n*.bin filter=lfs\n",
		"a.bin":          strings.Repeat("x", 200),
	}
	if got, all := lfsPointers(checkout.New(survey(files))); !slices.Equal(got, []string{"a.bin"}) || !all {
		t.Errorf("control, one file: got %q, %t", got, all)
	}
	for i := range 1000 { // they would take minutes
		files[fmt.Sprintf("%s/%d", strings.Repeat(strings.Repeat("a", 200)+"/", 19), i)] = strings.Repeat("x", 200)
	}
	names := strings.Join(detect(t, files).NotFetched, "; ")
	if !strings.Contains(names, "too much work") || !strings.Contains(names, "1 file of Git LFS: a.bin") {
		t.Errorf("got %q", names)
	}
}

func TestLFSPatternsTakeLittleMemory(t *testing.T) {
	for name, line := range map[string]string{
		"many lines":      strings.Repeat("a filter\n", 100_000),
		"one line":        "a" + strings.Repeat(" filter", 100_000),
		"a long pattern":  strings.Repeat("*a", 400_000) + " filter\n",
		"many attributes": strings.Repeat("a"+strings.Repeat(" filter", 200)+"\n", 500),
	} {
		files := checkout.New(survey(map[string]string{".gitattributes": line}))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		rules := filterRules(files)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; len(rules) > maxFilterRules || took > 64<<20 {
			t.Errorf("%s: %d rules took %d MiB", name, len(rules), took>>20)
		}
	}
}

func TestAFolderThatIsNoRepositoryHasNoHistory(t *testing.T) {
	o := options
	o.NoHistory = true
	s := survey(map[string]string{"setup.py": "import versioneer"})
	plan, err := Detect(s, o)
	if err != nil {
		t.Fatal(err)
	}
	if plan.History != "" || !strings.Contains(strings.Join(plan.Notes, "\n"), "there are no tags and no history") {
		t.Errorf("got %q, notes %q", plan.History, plan.Notes)
	}
}
