package requirement

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"vivarium/pipeline/python/checkout"
	"vivarium/sandbox"
)

func tree(files map[string]string) *checkout.Tree {
	s := sandbox.Survey{Contents: map[string][]byte{}}
	for p, text := range files {
		s.Files = append(s.Files, sandbox.File{Path: p, Size: int64(len(text))})
		s.Contents[p] = []byte(text)
	}
	return checkout.New(s)
}

func TestParseTellsNamesFromPlaces(t *testing.T) {
	for text, want := range map[string]Requirement{
		"six":                             {Name: "six"},
		"Zope.Interface[test] >=1; x":     {Name: "zope-interface"},
		"a_b==1.0":                        {Name: "a-b"},
		"a @ git+https://h/a.git@v1 ; x":  {Name: "a", Where: "git+https://h/a.git@v1"},
		"a[b]@https://h/a.whl":            {Name: "a", Where: "https://h/a.whl"},
		"git+ssh://git@h/a.git#egg=My.a":  {Name: "my-a", Where: "git+ssh://git@h/a.git#egg=My.a"},
		"https://h/a.whl":                 {Where: "https://h/a.whl"},
		".":                               {Where: "."},
		".[test]":                         {Where: "."},
		"./lib":                           {Where: "./lib"},
		"lib/a-1.0.whl":                   {Where: "lib/a-1.0.whl"},
		"a-1.0.tar.gz":                    {Where: "a-1.0.tar.gz"},
		`C:\work\a`:                       {Where: `C:\work\a`},
		"a @ file:///C:/work/a":           {Name: "a", Where: "file:///C:/work/a"},
		"":                                {},
		`six ; sys_platform == "a/b"`:     {Name: "six"},
		`six >= 1.0 ; python_version<"3"`: {Name: "six"},
	} {
		want.Text = text
		if got := Parse(text); got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

func TestIsRootIsTheCheckoutAlone(t *testing.T) {
	for text, want := range map[string]bool{
		".": true, "./": true, ".[test]": true, "./[test,docs]": true, "file:.": true,
		"six": false, "./vendor/x.whl": false, "./lib": false, "..": false,
	} {
		if got := Parse(text).IsRoot(); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestReadFollowsIncludesAndPassesOverComments(t *testing.T) {
	l := Read(tree(map[string]string{
		"requirements.txt": "\ufeff# ours\r\nsix==1.0 # why\r\n-r req/base.txt\r\n--requirement=req/nowhere.txt\r\n" +
			"-c bounds.txt\r\n-e .[test]\r\n--editable ./lib\r\n-i https://i/simple\r\nflask \\\r\n  >=2\r\nurl#egg\r\n",
		"req/base.txt":  "-r ../requirements.txt\n-rmore.txt\nhash==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n",
		"req/more.txt":  "mock",
		"bounds.txt":    "-r req/bounds2.txt\nsix<2\n-e ./x\n",
		"unrelated.txt": "x",
	}), "requirements.txt")
	var got []string
	for _, q := range l.Requirements {
		got = append(got, fmt.Sprintf("%s:%d %s %t %t", q.File, q.Line, q.Text, q.Editable, q.Hashed))
	}
	want := []string{
		"requirements.txt:2 six==1.0 false false",
		"req/more.txt:1 mock false false",
		"req/base.txt:3 hash==1 false true",
		"requirements.txt:6 .[test] true false",
		"requirements.txt:7 ./lib true false",
		"requirements.txt:9 flask   >=2 false false",
		"requirements.txt:11 url#egg false false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(l.Options) != 1 || l.Options[0] != (Option{"--index-url", "https://i/simple", "requirements.txt", 8}) {
		t.Errorf("options: %+v", l.Options)
	}
	if !slices.Equal(l.Constraints, []string{"bounds.txt"}) {
		t.Errorf("constraints: %q", l.Constraints)
	}
	if !slices.Equal(l.Missing, []string{"req/nowhere.txt", "req/bounds2.txt"}) {
		t.Errorf("missing: %q", l.Missing)
	}
	if !l.Has("Six") || !l.Hashed() || !l.InstallsRoot() || l.Has("x") {
		t.Error("the list does not know what it holds")
	}
}

func TestReadTakesTimeInProportion(t *testing.T) {
	for name, text := range map[string]string{
		"continued lines": strings.Repeat("a\\\n", 300_000),
		"lines":           strings.Repeat("a\n", 500_000),
		"options":         strings.Repeat("-e .\n", 200_000),
		"blanks":          strings.Repeat(" ", 1<<20) + "#",
	} {
		began := time.Now()
		Read(tree(map[string]string{"requirements.txt": text}), "requirements.txt")
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
	}
}

// TestReadTakesMemoryInProportion: the shortest lines take many times their length.
func TestReadTakesMemoryInProportion(t *testing.T) {
	files := map[string]string{}
	var names []string
	for i := range 16 {
		names = append(names, fmt.Sprintf("requirements%d.txt", i))
		files[names[i]] = strings.Repeat("a\n", 1<<19)
	}
	checkouts := tree(files)
	l := Read(checkouts, names...)
	var after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&after)
	if !l.Has("a") || after.HeapAlloc > 128<<20 {
		t.Errorf("%d requirements, %d MiB are in use", len(l.Requirements), after.HeapAlloc>>20)
	}
	runtime.KeepAlive(checkouts)
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("six\n-r b.txt\n-e git+https://h/a#egg=b\n"), []byte("-c requirements.txt\n--hash=1 \\"))
	f.Add([]byte("\xff\xfes\x00i\x00x\x00"), []byte("# -*- coding: latin-1 -*-\n\xe9"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		l := Read(tree(map[string]string{"requirements.txt": string(a), "b.txt": string(b)}), "requirements.txt")
		for _, q := range l.Requirements {
			if strings.ContainsAny(q.Text, "\n") || strings.HasPrefix(q.Text, "-") {
				t.Errorf("a requirement of more than a line, or that is an option: %q", q.Text)
			}
		}
	})
}
