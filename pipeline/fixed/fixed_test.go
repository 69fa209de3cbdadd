package fixed

import (
	"archive/tar"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"vivarium/sandbox"
)

const sha = "0123456789abcdef0123456789abcdef01234567"

func TestWhatAnOperatorWritesIsRead(t *testing.T) {
	p, err := Parse(`
test = "python -m pytest week1"
timeout = "5m"
protect = ["week1/", "conftest.py"]

[overlay]
repository = "school/tests"
commit = "` + sha + `"
folder = "./week1/"
`)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Names(); !slices.Equal(got, []string{"test", "timeout"}) || p.Settings["timeout"] != "5m" {
		t.Errorf("settings are %v", p.Settings)
	}
	if !slices.Equal(p.Protect, []string{"week1", "conftest.py"}) {
		t.Errorf("protect is %q", p.Protect)
	}
	if want := (Overlay{"school/tests", sha, "week1"}); p.Overlay != want {
		t.Errorf("overlay is %+v, want %+v", p.Overlay, want)
	}
	const said = "test, timeout, files of school/tests at 0123456789ab, folder week1, the paths week1 conftest.py"
	if p.String() != said || p.Zero() || !p.Places() {
		t.Errorf("got %q, zero %t, places %t", p, p.Zero(), p.Places())
	}
	if none, err := Parse(""); err != nil || !none.Zero() || none.Places() || none.String() != "nothing" {
		t.Errorf("of nothing: %+v, %v", none, err)
	}
}

func TestWhetherTagsAreBuiltIsTheOperatorsAlone(t *testing.T) {
	for text, want := range map[string]string{"": "nothing", "tags = true": "that tags are built",
		"tags = false": "that tags are not built"} {
		p, err := Parse(text)
		if err != nil || p.String() != want || len(p.Settings) != 0 || (p.Tags != nil) != (text != "") {
			t.Errorf("%q: %+v, %v", text, p, err)
		}
	}
}

func TestWhatCannotBeFixedIsRefusedWithAReason(t *testing.T) {
	for text, want := range map[string]string{
		"test = 'a'\ntimeout = = 1":           "line 2, column 11",
		"protect = 'tests'":                   "an array of paths",
		"tags = 'yes'":                        "tags: write true or false",
		"protect = ['']":                      "an array of paths",
		"protect = ['!tests']":                "none that begins with !",
		"overlay = 'school/tests'":            "a table with repository",
		"[overlay]\nrepo = 'school/tests'":    "a table with repository",
		"[overlay]\nrepository = 'school'":    `"school" is not OWNER/NAME`,
		"[overlay]\nrepository = '../x'":      "is not OWNER/NAME",
		strings.Repeat("# x\n", maxText/4+1):  "longer than 64 KiB",
		"[overlay]\nrepository='a/b'\n":       "is not the whole ID of a commit",
		overlayText("main", ""):               "could be moved",
		overlayText(sha[:12], ""):             "could be moved",
		overlayText(strings.ToUpper(sha), ""): "could be moved",
		overlayText(sha, "../up"):             "is no folder",
		overlayText(sha, "/etc"):              "is no folder",
	} {
		if p, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %+v, %v; want %q", text, p, err, want)
		}
	}
}

func overlayText(commit, folder string) string {
	return fmt.Sprintf("[overlay]\nrepository = 'a/b'\ncommit = '%s'\nfolder = '%s'\n", commit, folder)
}

// TestWithTheTestsTheirSurroundingsAreFixed: another working folder or variable would change what the
// operator's tests are.
func TestWithTheTestsTheirSurroundingsAreFixed(t *testing.T) {
	overlay := Overlay{Repository: "a/b", Commit: sha}
	for name, c := range map[string]struct {
		part Part
		want []string
	}{
		"nothing":    {Part{}, nil},
		"timeout":    {Part{Settings: map[string]any{"timeout": "5m"}}, []string{"timeout"}},
		"install":    {Part{Settings: map[string]any{"install": "true"}}, []string{"install"}},
		"test":       {Part{Settings: map[string]any{"test": "true"}}, []string{"env", "test", "workdir"}},
		"an overlay": {Part{Overlay: overlay}, []string{"env", "test", "workdir"}},
	} {
		var got []string
		for _, setting := range []string{"env", "install", "test", "timeout", "workdir"} {
			if c.part.Fixes(setting) {
				got = append(got, setting)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func entries(paths ...string) (files []sandbox.File) {
	for _, p := range paths {
		name, link, isLink := strings.Cut(p, " -> ")
		f := sandbox.File{Path: strings.TrimSuffix(name, "/"), Dir: strings.HasSuffix(name, "/")}
		if isLink {
			f.Link = link
		}
		files = append(files, f)
	}
	return files
}

func ownFiles(paths ...string) Files {
	own := Files{}
	for _, p := range paths {
		own[p] = File{Data: []byte("ours")}
	}
	return own
}

func TestNothingOfTheRepositoryStaysAtWhatIsTheOperators(t *testing.T) {
	for name, c := range map[string]struct {
		protect []string
		own     Files
		files   []sandbox.File
		want    []string
	}{
		"a name anywhere, and a folder as a whole": {
			protect: []string{"conftest.py", "tests"},
			files:   entries("app/", "app/conftest.py", "app/x.py", "conftest.py", "tests/", "tests/conftest.py", "tests/t.py"),
			want:    []string{"conftest.py", "tests", "app/conftest.py"},
		},
		"a path at the root alone": {
			protect: []string{"/tests", "a/*.ini"},
			files:   entries("a/", "a/b/", "a/b/c.ini", "a/c.ini", "b/", "b/tests/", "tests/"),
			want:    []string{"tests", "a/c.ini"},
		},
		"a link where a folder was": {
			protect: []string{"tests"}, files: entries(
				"tests -> elsewhere", "elsewhere/", "elsewhere/t.py",
			), want: []string{"tests"},
		},
		"by default what the overlay holds": {
			own:   ownFiles("week1/test_a.py", "pytest.ini"),
			files: entries("app.py", "pytest.ini", "sub/", "sub/conftest.py", "sub/week1/", "week1/", "week1/test_b.py"),
			want:  []string{"pytest.ini", "week1", "sub/conftest.py"},
		},
		"a file of the overlay that is not protected": {
			protect: []string{"other"},
			own:     ownFiles("tests/a/test_a.py"),
			files:   entries("tests/", "tests/a/", "tests/a/test_a.py", "tests/b.py"),
			want:    []string{"tests/a/test_a.py"},
		},
		"a folder where a file belongs": {
			protect: []string{}, own: ownFiles("t.py"), files: entries("t.py/", "t.py/x"), want: []string{"t.py"},
		},
		"links above": {
			protect: []string{}, own: ownFiles("tests/a/t.py"), files: entries("tests -> /etc", "x"), want: []string{"tests"},
		},
		"a file above": {
			protect: []string{}, own: ownFiles("tests/a/t.py"), files: entries("tests/", "tests/a"), want: []string{"tests/a"},
		},
		"a name with a star in it": {
			own: ownFiles("t*/a.py"), files: entries("t*/", "tests/"), want: []string{"t*"},
		},
		"nothing": {files: entries("conftest.py")},
	} {
		if got := (Part{Protect: c.protect}).Removed(c.files, c.own); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestOnlyWhatDiffersIsToldOf(t *testing.T) {
	p, own := Part{Protect: []string{"tests"}}, ownFiles(
		"tests/same.py", "tests/changed.py", "tests/link.py", "tests/new.py",
	)
	files := entries("app.py", "tests/", "tests/changed.py", "tests/extra.py", "tests/link.py -> same.py", "tests/same.py")
	for i := range files {
		files[i].Size = 4
	}
	contents := map[string][]byte{"tests/same.py": []byte("ours"), "tests/changed.py": []byte("mine")}
	if got, want := own.Compared(files), []string{"tests/changed.py", "tests/same.py"}; !slices.Equal(got, want) {
		t.Errorf("compared are %q, want %q", got, want)
	}
	laid := p.Lay(files, p.Removed(files, own), contents, own)
	if want := []string{"tests/changed.py", "tests/link.py"}; !slices.Equal(laid.Replaced, want) {
		t.Errorf("replaced are %q, want %q", laid.Replaced, want)
	}
	if want := []string{"tests/extra.py"}; !slices.Equal(laid.LeftOut, want) || laid.Own != 4 {
		t.Errorf("left out are %q, want %q; own %d", laid.LeftOut, want, laid.Own)
	}
}

func pack(t *testing.T, headers ...tar.Header) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg {
			h.Size = 4
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			w.Write([]byte("ours"))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestOwnFilesAreThoseOfTheirFolder(t *testing.T) {
	file := func(name string, mode int64) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode}
	}
	packed := pack(t, tar.Header{Name: "./", Typeflag: tar.TypeDir}, file(".git/config", 0o644), file("README", 0o644),
		file("week1/t.py", 0o644), file("week1/run.sh", 0o755), file("week10/t.py", 0o644)).Bytes()
	for folder, want := range map[string]string{
		"":      "README week1/run.sh week1/t.py week10/t.py",
		"week1": "run.sh t.py",
	} {
		got, err := ReadTar(bytes.NewReader(packed), folder)
		if err != nil || strings.Join(got.Paths(), " ") != want {
			t.Errorf("below %q: got %q, %v; want %q", folder, got.Paths(), err, want)
		}
		again, err := got.Tar()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ReadTar(bytes.NewReader(again), "")
		if err != nil || !maps.EqualFunc(got, back, func(a, b File) bool {
			return a.Executable == b.Executable && bytes.Equal(a.Data, b.Data)
		}) {
			t.Errorf("below %q: they do not come back as they were: %v, %v", folder, back, err)
		}
	}
}

func TestOwnFilesThatCannotBeTakenAreRefused(t *testing.T) {
	var many []tar.Header
	for i := range maxFiles + 1 {
		many = append(many, tar.Header{Name: fmt.Sprintf("f%d", i), Typeflag: tar.TypeReg})
	}
	for want, in := range map[string]*bytes.Buffer{
		"there are no files":   pack(t, tar.Header{Name: "a", Typeflag: tar.TypeReg}),
		"neither a file":       pack(t, tar.Header{Name: "sub/l", Typeflag: tar.TypeSymlink, Linkname: "/etc"}),
		"more than 5000 files": pack(t, many...),
		"unexpected EOF":       bytes.NewBuffer(pack(t, tar.Header{Name: "sub/a", Typeflag: tar.TypeReg}).Bytes()[:513]),
	} {
		folder := map[bool]string{true: "", false: "sub"}[strings.Contains(want, "5000")]
		if got, err := ReadTar(in, folder); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, %v; want %q", got.Paths(), err, want)
		}
	}
}
