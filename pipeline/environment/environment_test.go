package environment

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestInstalledPackagesAreReadFromTheNamesOfTheirMetadata(t *testing.T) {
	got := Installed([]string{
		"numpy-2.4.0.dist-info", "numpy", "numpy.libs", "Foo_Bar.baz-1.0+cpu.dist-info", "setuptools-66.1.1.dist-info",
		"old-1.2-py3.11.egg-info", "compiled-1.2-py3.11-linux-x86_64.egg-info", "hello.egg-info",
		"twice-1.0.dist-info", "twice-1.0.dist-info", "twice-2.0.dist-info",
		"distutils-precedence.pth", "__pycache__",
	})
	want := []Package{
		{"compiled", "1.2"}, {"foo-bar-baz", "1.0+cpu"}, {"hello", ""}, {"numpy", "2.4.0"}, {"old", "1.2"},
		{"setuptools", "66.1.1"}, {"twice", "1.0"}, {"twice", "2.0"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestNamesThatAreNoneAreNoPackages: a setup.py can make any folder.
func TestNamesThatAreNoneAreNoPackages(t *testing.T) {
	for _, entry := range []string{
		"~umpy-2.4.0.dist-info", ".dist-info", "-.dist-info", "a-.dist-info", "-1.dist-info", "a b-1.dist-info",
		"a-\x1b[31m.dist-info",
		"a\n-1.dist-info", "<b>-1.dist-info", "é-1.dist-info", strings.Repeat("a", 101) + "-1.dist-info",
		"a-" + strings.Repeat("1", 101) + ".dist-info",
	} {
		if got := Installed([]string{entry}); len(got) > 0 {
			t.Errorf("%q is taken for %v", entry, got)
		}
	}
	many := make([]string, 3000)
	for i := range many {
		many[i] = "p" + strings.Repeat("x", i%50) + "-" +
			string(rune('0'+i%10)) + "." + strings.Repeat("1", i/50+1) + ".dist-info"
	}
	if got := len(Installed(many)); got > maxPackages {
		t.Errorf("%d packages are kept, want at most %d", got, maxPackages)
	}
}

func TestSitePackagesOfAVersion(t *testing.T) {
	for version, want := range map[string]string{
		"3.11.2": "lib/python3.11/site-packages", "3.13.0rc1": "lib/python3.13/site-packages", "3": "", "": "", "3.": "",
	} {
		if got := SitePackages(version); got != want {
			t.Errorf("%q: got %q, want %q", version, got, want)
		}
	}
}

func TestPlanIsCutAtALine(t *testing.T) {
	if got := CutPlan("Plan\n"); got != "Plan\n" {
		t.Errorf("got %q", got)
	}
	got := CutPlan(strings.Repeat("0123456é\n", MaxPlan/9))
	if len(got) > MaxPlan || !strings.HasSuffix(got, "é\n") || !utf8.ValidString(got) {
		t.Errorf("%d bytes, ends in %q", len(got), got[len(got)-9:])
	}
}

var python311 = Image{Name: "python-3.11", ID: "sha256:0123456789abcdef", Python: "3.11.2"}

// with is an environment of that image and these packages, each as NAME==VERSION.
func with(packages ...string) Environment {
	e := Environment{Image: python311, Listed: true, Plan: "Plan\n  test  $ python -m unittest\n"}
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "==")
		e.Packages = append(e.Packages, Package{name, version})
	}
	return e
}

func TestWhatDiffersFromTheGreenBuild(t *testing.T) {
	image := func(f func(*Image)) Environment {
		e := with("a==1")
		f(&e.Image)
		return e
	}
	for name, c := range map[string]struct {
		was, now Environment
		want     []string // changes, the image's last
	}{
		"nothing":         {with("a==1"), with("a==1"), nil},
		"another version": {with("a==1", "b==2"), with("a==1", "b==3"), []string{"b 2 → 3"}},
		"versions before what is new before what is gone": {
			with("a==1", "x==1", "z==1"),
			with("b==1", "x==1", "z==2"), []string{"z 1 → 2", "new: b 1", "gone: a 1"},
		},
		"two versions at once":    {with("a==1"), with("a==1", "a==2"), []string{"a 1 → 1 and 2"}},
		"a version not known":     {with("a=="), with("a==1"), []string{"a of no known version → 1"}},
		"packages not known":      {with("a==1"), Environment{Image: python311}, nil},
		"packages not known then": {Environment{Image: python311}, with("a==1"), nil},
		"no packages":             {with("a==1"), with(), []string{"gone: a 1"}},
		"another image": {
			with("a==1"), image(func(i *Image) { *i = Image{"python-3.12", "sha256:f", "3.12.1"} }),
			[]string{"image python-3.11 → python-3.12"},
		},
		"another Python": {
			with("a==1"), image(func(i *Image) { i.ID, i.Python = "sha256:f", "3.11.9" }),
			[]string{"Python 3.11.2 → 3.11.9"},
		},
		"the image made anew": {
			with("a==1"), image(func(i *Image) { i.ID = "sha256:ffffffffffffffff" }),
			[]string{"image python-3.11 0123456789ab → ffffffffffff"},
		},
		"an image not known": {with("a==1"), image(func(i *Image) { *i = Image{} }), nil},
	} {
		d := Compare(Green{Build: 41, SHA: "s", Environment: c.was}, "s", c.now)
		var got []string
		for _, change := range d.Changed {
			got = append(got, change.String())
		}
		if d.Image != nil {
			got = append(got, d.Image.String())
		}
		if !slices.Equal(got, c.want) || d.Nothing() != (len(c.want) == 0) {
			t.Errorf("%s: got %q, want %q; nothing: %v", name, got, c.want, d.Nothing())
		}
	}
}

func TestSameCodeIsTheSameCommitOrTheSameFiles(t *testing.T) {
	for name, c := range map[string]struct {
		tree1, tree2, sha string
		want              bool
	}{
		"the commit":                 {"", "", "s", true},
		"another commit":             {"t1", "t2", "other", false},
		"another commit, same files": {"t1", "t1", "other", true},
		"files not known":            {"", "", "other", false},
	} {
		d := Compare(Green{SHA: "s", Environment: Environment{Tree: c.tree1}}, c.sha, Environment{Tree: c.tree2})
		if d.SameCode != c.want {
			t.Errorf("%s: %v, want %v", name, d.SameCode, c.want)
		}
	}
}

func TestLinesOfThePlanThatDiffer(t *testing.T) {
	was, now := with(), with()
	was.Plan, now.Plan = "Plan\n  python  3.11\n  lint  a\n", "Plan\n  python  3.11\n  lint  b\n  note  c\n"
	d := Compare(Green{Environment: was}, "", now)
	if !slices.Equal(d.Gone, []string{"lint  a"}) || !slices.Equal(d.New, []string{"lint  b", "note  c"}) {
		t.Errorf("gone %q, new %q", d.Gone, d.New)
	}
	if now.Plan = ""; Compare(Green{Environment: was}, "", now).Gone != nil {
		t.Error("a plan that is not known differs")
	}
}

func TestSentenceNamesWhatChangedWhereTheCodeIsTheSame(t *testing.T) {
	const failure = "test_total: 90 != 100 (test_cart.py:31)"
	replanned := with("a==1")
	replanned.Plan = "another\n"
	unlisted := with("a==1")
	unlisted.Listed = false
	for name, c := range map[string]struct {
		was, now Environment
		sha      string
		failure  string
		want     string
	}{
		"a package": {
			with("numpy==2.3.1"), with("numpy==2.4.0"), "s", failure,
			"same code as build 41, which passed; numpy 2.3.1 → 2.4.0; " + failure,
		},
		"other code": {with("numpy==2.3.1"), with("numpy==2.4.0"), "other", failure, failure},
		"nothing has changed": {
			with("a==1"), with("a==1"), "s", failure,
			failure + "; same code as build 41, which passed with the same packages",
		},
		"packages not known": {with("a==1"), unlisted, "s", failure, failure + "; same code as build 41, which passed"},
		"another plan": {
			with("a==1"), replanned, "s", failure, "same code as build 41, which passed; another plan; " + failure,
		},
		"the package that the failure names first": {
			with("aaa==1", "foo-bar==1", "zzz==1"), with("aaa==2", "foo-bar==2", "zzz==2"), "s",
			"cannot import name 'x' from 'foo_bar'",
			"same code as build 41, which passed; foo-bar 1 → 2, aaa 1 → 2, zzz 1 → 2; cannot import name 'x' from 'foo_bar'",
		},
		"a name within a word is none": {
			with("aaa==1", "oo==1"), with("aaa==2", "oo==2"), "s", "foo_bar",
			"same code as build 41, which passed; aaa 1 → 2, oo 1 → 2; foo_bar",
		},
		"more than fit": {
			with("p1==1.0.0", "p2==1.0.0", "p3==1.0.0", "p4==1.0.0", "p5==1.0.0"),
			with("p1==2.0.0", "p2==2.0.0", "p3==2.0.0", "p4==2.0.0", "p5==2.0.0"), "s", failure,
			"same code as build 41, which passed; p1 1.0.0 → 2.0.0, p2 1.0.0 → 2.0.0, p3 1.0.0 → 2.0.0, and 2 more; " + failure,
		},
		"without a failure": {with("a==1"), with("a==2"), "s", "", "same code as build 41, which passed; a 1 → 2"},
	} {
		d := Compare(Green{Build: 41, SHA: "s", Environment: c.was}, c.sha, c.now)
		if got := d.Sentence(c.failure); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}

func TestMapChangesWhatARepositoryChose(t *testing.T) {
	e := with("secret==1")
	e.Plan = "a secret plan"
	got := e.Map(func(s string) string { return strings.ReplaceAll(s, "secret", "***") })
	if got.Plan != "a *** plan" || got.Packages[0].Name != "***" || e.Packages[0].Name != "secret" || !got.Listed {
		t.Errorf("got %+v of %+v", got, e)
	}
}

func TestTextOfNoDifferenceIsEmpty(t *testing.T) {
	var none *Difference
	d := Compare(Green{Build: 41, SHA: "s", Environment: with("a==1")}, "s", with("a==2"))
	if got, want := none.Text()+d.Text(), "\nSINCE BUILD 41, WHICH PASSED\nthe same code\na 1 → 2\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLinesSayEachDifference(t *testing.T) {
	now := with("a==2", "b==1")
	now.Plan = "Plan\n  test  $ pytest\n"
	many := with()
	for i := range 50 {
		many.Packages = append(many.Packages, Package{Name: "p" + string(rune('A'+i)), Version: "1"})
	}
	unlisted := with()
	unlisted.Listed = false
	for name, c := range map[string]struct {
		sha      string
		was, now Environment
		want     []string // the last ones
	}{
		"all": {"s", with("a==1", "c==1"), now, []string{
			"the same code", "a 1 → 2", "new: b 1", "gone: c 1",
			"plan, before: test  $ python -m unittest", "plan, now: test  $ pytest",
		}},
		"nothing":   {"s", with("a==1"), with("a==1"), []string{"the same code", "the same packages"}},
		"code":      {"x", with("a==1"), with("a==1"), []string{"other code", "the same packages"}},
		"not known": {"s", with("a==1"), unlisted, []string{"the same code", "what was installed is not known of both"}},
		"many":      {"s", with(), many, []string{"new: ph 1", "and 10 more packages"}},
	} {
		got := Compare(Green{Build: 41, SHA: "s", Environment: c.was}, c.sha, c.now).Lines()
		if len(got) < len(c.want) || !slices.Equal(got[len(got)-len(c.want):], c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
