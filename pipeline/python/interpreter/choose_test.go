package interpreter

import (
	"errors"
	"strings"
	"testing"

	"vivarium/pipeline/python/checkout"
	"vivarium/sandbox"
)

var images = []Image{
	{"python-3.9", "3.9.2"}, {"python-3.11", "3.11.2"}, {"python-3.13", "3.13.5"}, {"python-3.12", "3.12.3"},
}

// tree is a checkout of these files.
func tree(files map[string]string) *checkout.Tree {
	s := sandbox.Survey{Contents: map[string][]byte{}}
	for p, text := range files {
		s.Files = append(s.Files, sandbox.File{Path: p, Size: int64(len(text))})
		s.Contents[p] = []byte(text)
	}
	return checkout.New(s)
}

func TestChooseTakesTheImageThatIsAskedFor(t *testing.T) {
	requires := func(set string) Demand { return Demand{Requires: set, File: "pyproject.toml"} }
	poetry := func(set string) []Wish { return []Wish{{File: "Poetry", Text: set, Sets: []string{set}}} }
	utf16 := "\xff\xfe3\x00.\x001\x002\x00\r\x00\n\x00"
	for name, c := range map[string]struct {
		demand Demand
		files  map[string]string
		wishes []Wish
		image  string
		remark string // that it holds; empty: there is none
		note   string
	}{
		"nothing": {image: "python-3.11"},
		"configured": {
			demand: Demand{By: "[tool.vivarium]", Release: "3.13"},
			files:  map[string]string{".python-version": "3.12"},
			image:  "python-3.13",
		},
		"configured patch": {demand: Demand{By: "[tool.vivarium]", Release: "3.12.9"}, image: "python-3.12"},
		"comments and several lines": {
			files: map[string]string{".python-version": "# ours\n3.12\n3.9\n"},
			image: "python-3.12",
		},
		"several lines, a later one": {files: map[string]string{".python-version": "3.14\n3.9\n"}, image: "python-3.9"},
		"another patch":              {files: map[string]string{".python-version": "3.12.8\n"}, image: "python-3.12"},
		"with a prefix":              {files: map[string]string{".python-version": "python-3.12"}, image: "python-3.12"},
		"only the major":             {files: map[string]string{".python-version": "3"}, image: "python-3.11"},
		"UTF-16":                     {files: map[string]string{".python-version": utf16}, image: "python-3.12"},
		"a byte order mark":          {files: map[string]string{".python-version": "\ufeff3.12\n"}, image: "python-3.12"},
		"misspelt":                   {files: map[string]string{".python_version": "3.12"}, image: "python-3.12"},
		"misspelt, with an ending":   {files: map[string]string{".python-version.txt": "3.12"}, image: "python-3.12"},
		"runtime.txt":                {files: map[string]string{"runtime.txt": "python-3.12.4"}, image: "python-3.12"},
		".tool-versions": {
			files: map[string]string{".tool-versions": "nodejs 20.1\npython 3.9.1 3.12.1\n"},
			image: "python-3.9",
		},
		".tool-versions of no Python": {files: map[string]string{".tool-versions": "nodejs 20.1\n"}, image: "python-3.11"},
		"the stronger file": {
			files: map[string]string{".python-version": "3.9", "runtime.txt": "python-3.12"},
			image: "python-3.9",
		},
		"no image, the nearest": {
			files:  map[string]string{".python-version": "3.14"},
			image:  "python-3.13",
			remark: "on Python 3.13.5, since there is no image for 3.14",
		},
		"no image, between two": {
			files:  map[string]string{".python-version": "3.10"},
			image:  "python-3.11",
			remark: "3.10",
		},
		"Python 2": {
			files:  map[string]string{"runtime.txt": "python-2.7.18"},
			image:  "python-3.9",
			remark: "2.7.18",
		},
		"PyPy": {
			files:  map[string]string{".python-version": "pypy3.10-7.3"},
			image:  "python-3.11",
			remark: "pypy3.10-7.3",
		},
		"no release": {
			files: map[string]string{".python-version": "system"},
			image: "python-3.11",
			note:  "system",
		},
		"Poetry's, met by the default": {wishes: poetry(">=3.8,<4"), image: "python-3.11"},
		"Poetry's, newer":              {wishes: poetry(">=3.12"), image: "python-3.13"},
		"Poetry's, older":              {wishes: poetry("<3.10"), image: "python-3.9"},
		"Poetry's, not there":          {wishes: poetry(">=3.14"), image: "python-3.13", remark: ">=3.14"},
		"requires, met by the default": {demand: requires(">=3.8"), image: "python-3.11"},
		"requires a newer one":         {demand: requires(">=3.12"), image: "python-3.13"},
		"requires an older one":        {demand: requires("<3.11"), image: "python-3.9"},
		"requires nonsense":            {demand: requires("newest"), image: "python-3.11", note: "newest"},
		"a wish that is not allowed": {
			demand: requires(">=3.12"),
			files:  map[string]string{".python-version": "3.9"},
			image:  "python-3.12",
			remark: "3.9",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Choose(c.demand, append(Wishes(tree(c.files)), c.wishes...), images, "python-3.11")
			if err != nil {
				t.Fatal(err)
			}
			if got.Image.Name != c.image || got.Reason == "" {
				t.Errorf("got %s because %q, want %s", got.Image.Name, got.Reason, c.image)
			}
			if (c.remark == "") != (got.Remark == "") || !strings.Contains(got.Remark, c.remark) {
				t.Errorf("remark %q, want %q", got.Remark, c.remark)
			}
			if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, c.note) {
				t.Errorf("notes %q do not mention %q", notes, c.note)
			}
		})
	}
}

func TestChooseRefusesDemandsThatNoImageMeets(t *testing.T) {
	for name, c := range map[string]struct {
		demand Demand
		says   []string
	}{
		"configured": {
			Demand{By: "[tool.vivarium]", Release: "3.14"},
			[]string{"python-3.11, python-3.12, python-3.13, python-3.9", "vivarium images build python-3.14"},
		},
		"requires": {
			Demand{Requires: ">=3.99", File: "setup.cfg"},
			[]string{"setup.cfg", ">=3.99", "python-3.11, python-3.12, python-3.13, python-3.9"},
		},
		"both": {
			Demand{By: "[tool.vivarium]", Release: "3.9", Requires: ">=3.11", File: "pyproject.toml"},
			[]string{"3.9", ">=3.11", "change one of the two"},
		},
	} {
		got, err := Choose(c.demand, nil, images, "python-3.11")
		var mistake *checkout.Mistake
		if !errors.As(err, &mistake) {
			t.Errorf("%s: got %+v, %v; want a mistake", name, got, err)
			continue
		}
		for _, want := range c.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not say %q", name, err, want)
			}
		}
	}
}
