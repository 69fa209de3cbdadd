package debianwheels

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const aptSays = `python3-flask
  Depends: python3-jinja2
  Depends: <python3:any>
    python3
  Depends: libjs-x
 |Depends: python3-simplejson
  Depends: python3-rapidjson
  PreDepends: python3-other
  Conflicts: python3-enemy
python3-jinja2
  Depends: python3-markupsafe
  Depends: <python3-abi>
    python3-provides
python3-markupsafe
libjs-x
  Depends: python3-unrelated
`

func TestClosureFollowsPythonPackagesOnly(t *testing.T) {
	got := closure(parseDepends(aptSays), []string{"python3-flask"})
	want := []string{
		"python3-flask", "python3-jinja2", "python3-markupsafe", "python3-provides", "python3-rapidjson",
		"python3-simplejson",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRequirementsOfAnEggInfo(t *testing.T) {
	got := requiresDist("six>=1.5\n\n[socks]\nPySocks\n\n[:python_version < \"3.8\"]\nbackport\n\n" +
		"[all:os_name == \"nt\"]\nwin\n")
	want := []string{
		"six>=1.5",
		`PySocks ; extra == "socks"`,
		`backport ; (python_version < "3.8")`,
		`win ; (os_name == "nt") and extra == "all"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// unpacked writes a Debian package's files below its site-packages, and returns its root.
func unpacked(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, site, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestWheelHoldsModulesAndWhatTheyRequire(t *testing.T) {
	root := unpacked(t, map[string]string{
		"shop/__init__.py":                              "X = 1\n",
		"shop/fast.cpython-311.so":                      "\x7fELF",
		"shop/__pycache__/__init__.pyc":                 "",
		"Shop_Kit-1.2+repack.egg-info/PKG-INFO":         "Name: Shop.Kit\nVersion: 1.2+repack\n\nVersion: 1.2+repack\n",
		"Shop_Kit-1.2+repack.egg-info/requires.txt":     "\n[fast]\ncython\n",
		"Shop_Kit-1.2+repack.egg-info/entry_points.txt": "[console_scripts]\nshop = shop:main\n",
	})
	d := readOne(t, root)
	d.complete([]string{"python3-six", "python3-gone"}, map[string][]distribution{"python3-six": {{name: "six"}}})
	folder := t.TempDir()
	if err := d.write(folder); err != nil {
		t.Fatal(err)
	}
	files := unzip(t, filepath.Join(folder, "shop_kit-1.2-py3-none-any.whl"))
	names := []string{
		"shop/__init__.py", "shop_kit-1.2.dist-info/METADATA", "shop_kit-1.2.dist-info/RECORD",
		"shop_kit-1.2.dist-info/WHEEL", "shop_kit-1.2.dist-info/entry_points.txt",
	}
	for _, name := range names {
		if _, ok := files[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
	if len(files) != len(names) {
		t.Errorf("got %d files, want %d: %v", len(files), len(names), files)
	}
	want := "Name: Shop.Kit\nVersion: 1.2\nRequires-Dist: cython ; extra == \"fast\"\n" +
		"Requires-Dist: six\n\nVersion: 1.2+repack\n"
	if got := files["shop_kit-1.2.dist-info/METADATA"]; got != want {
		t.Errorf("METADATA is\n%s\nwant\n%s", got, want)
	}
	// The digest as pip itself writes it: URL-safe, without padding.
	const record = "shop/__init__.py,sha256="
	if !strings.Contains(files["shop_kit-1.2.dist-info/RECORD"], record) {
		t.Errorf("RECORD is %q", files["shop_kit-1.2.dist-info/RECORD"])
	}
}

func TestWhatDeclaresItsRequirementsIsNotCompleted(t *testing.T) {
	d := distribution{metadata: "Name: a\nVersion: 1\nRequires-Dist: b>=1\n\n"}
	d.complete([]string{"python3-six"}, map[string][]distribution{"python3-six": {{name: "six"}}})
	if got := fields(d.metadata, "Requires-Dist"); !slices.Equal(got, []string{"b>=1"}) {
		t.Errorf("got %q", got)
	}
}

func TestDebianPackageOfSeveralPythonPackagesIsTakenApart(t *testing.T) {
	all, err := readDistributions(unpacked(t, map[string]string{
		"flit/__init__.py":                 "",
		"flit_core/__init__.py":            "",
		"flit-3.8.dist-info/METADATA":      "Name: flit\nVersion: 3.8\n",
		"flit_core-3.8.dist-info/METADATA": "Name: flit_core\nVersion: 3.8\n",
	}))
	if err != nil || len(all) != 2 {
		t.Fatalf("got %v, %v, want two Python packages", all, err)
	}
	for i, want := range []string{"flit/__init__.py", "flit_core/__init__.py"} {
		if _, ok := all[i].files[want]; !ok || len(all[i].files) != 1 {
			t.Errorf("%s has %v, want %s alone", all[i].name, all[i].files, want)
		}
	}
}

func TestPackagesWithoutMetadataAndWithoutVersion(t *testing.T) {
	if all, err := readDistributions(unpacked(t, map[string]string{"module.py": ""})); err != nil || len(all) != 0 {
		t.Errorf("without metadata: got %v, %v, want none", all, err)
	}
	unknown := unpacked(t, map[string]string{"a.egg-info/PKG-INFO": "Name: a\nVersion: 0.0.0\n"})
	if _, err := readDistributions(unknown); err == nil {
		t.Error("a version that Debian's build did not know was taken")
	}
}

func readOne(t *testing.T, root string) distribution {
	t.Helper()
	all, err := readDistributions(root)
	if err != nil || len(all) != 1 {
		t.Fatalf("got %v, %v, want one Python package", all, err)
	}
	return all[0]
}

func unzip(t *testing.T, path string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(data)
	}
	return files
}
