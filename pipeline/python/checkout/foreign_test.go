package checkout_test

import (
	"maps"
	"testing"

	. "vivarium/pipeline/python/checkout"
	"vivarium/pipeline/python/checkout/checkouttest"
)

func TestForeignFoldersAreKnownByWhatTheyHold(t *testing.T) {
	for name, c := range map[string]struct {
		paths []string
		want  map[string]Kind
	}{
		"pyvenv.cfg": {
			[]string{"my env/pyvenv.cfg", "my env/bin/x.py"},
			map[string]Kind{"my env": Environment},
		},
		"pyvenv.cfg at the root": {[]string{"pyvenv.cfg", "a.py"}, nil},
		"site-packages": {
			[]string{"e/lib/python3.9/site-packages/six.py"},
			map[string]Kind{"e": Environment},
		},
		"site-packages, 64 bits": {
			[]string{"e/lib64/python3.9/site-packages/six.py"},
			map[string]Kind{"e": Environment},
		},
		"site-packages of Windows": {[]string{"a/e/Lib/site-packages/six.py"}, map[string]Kind{"a/e": Environment}},
		"site-packages alone":      {[]string{"e/site-packages/six.py"}, map[string]Kind{"e": Environment}},
		"site-packages at the root": {
			[]string{"site-packages/six.py"},
			map[string]Kind{"site-packages": Environment},
		},
		"one inside another": {
			[]string{"e/pyvenv.cfg", "e/lib/node_modules/a.py"},
			map[string]Kind{"e": Environment},
		},
		"vendored": {
			[]string{"a/_vendor/six.py", "third_party/b.py"},
			map[string]Kind{"a/_vendor": Vendored, "third_party": Vendored},
		},
		"vendor":                      {[]string{"vendor/six.py"}, map[string]Kind{"vendor": Vendored}},
		"a Django application vendor": {[]string{"vendor/models.py"}, nil},
		"setuptools' output": {
			[]string{"build/lib/a.py", ".eggs/b/c.py"},
			map[string]Kind{"build/lib": Output, ".eggs": Output},
		},
		"a build of its own": {[]string{"build/a.py", "build/tools/b.py"}, nil},
		"similar names":      {[]string{"vendors/a.py", "venv.py", "env/a.py", "eggs/b.py"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			for _, p := range c.paths {
				files[p] = ""
			}
			if got := checkouttest.Tree(files).Foreign(); !maps.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
