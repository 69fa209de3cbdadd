package images_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"vivarium/images"
	"vivarium/images/imagestest"
	"vivarium/sandbox"
)

// common is what people's tests take for granted. Each line fails by itself.
const common = `
	` + unpackSeed + `
	PATH=` + sandbox.Env + `/bin:$PATH
	python -c 'import tkinter, turtle, distutils.version, lib2to3.main, dbm.gnu, pkg_resources'
	python -c 'import locale; locale.setlocale(locale.LC_ALL, "en_US.UTF-8")'
	python -c 'import zoneinfo; zoneinfo.ZoneInfo("Europe/Stockholm")'
	python -m pip --version
	make --version
	ps -ef
	curl --version
	unzip -v
	file /bin/sh
	mkdir /tmp/own
	cd /tmp/own
	echo '#include <Python.h>
	static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "own", NULL, -1, NULL};
	PyMODINIT_FUNC PyInit_own(void) { return PyModule_Create(&module); }' >own.c
	echo 'from setuptools import Extension, setup
setup(name="own", version="1", ext_modules=[Extension("own", ["own.c"])])' >setup.py
	python setup.py --quiet build_ext --inplace
	python -c 'import own; print(own.__name__, "is compiled")'
`

func TestDefaultImageHoldsWhatTestsTakeForGranted(t *testing.T) {
	b := newBench(t)
	img, err := b.Resolve(t.Context(), b.name)
	if err != nil {
		t.Fatal(err)
	}
	if img.Flavour != "full" {
		t.Errorf("the image is %s", img.Flavour)
	}
	if out := b.output(t, img.ID, common); !strings.HasSuffix(out, "own is compiled\n") {
		t.Errorf("got:\n%s", out)
	}
}

// older makes a base of a script that runs in the shared one, and a tools layer as another version
// made it, with these labels.
func (b *bench) older(t *testing.T, script string, labels ...string) {
	t.Helper()
	imagestest.Runner(t) // makes the shared base
	c, err := b.cli.ContainerCreate(t.Context(), &container.Config{
		Image: baseRepo + ":" + images.Default, User: "0:0",
		Entrypoint: []string{"/bin/sh", "-euc"}, Cmd: []string{script},
	}, nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer b.cli.ContainerRemove(t.Context(), c.ID, container.RemoveOptions{Force: true})
	ended, failed := b.cli.ContainerWait(t.Context(), c.ID, container.WaitConditionNextExit)
	if err := b.cli.ContainerStart(t.Context(), c.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	select {
	case e := <-ended:
		if e.StatusCode != 0 {
			t.Fatalf("%s: exit status %d", script, e.StatusCode)
		}
	case err := <-failed:
		t.Fatal(err)
	}
	as := container.CommitOptions{Reference: baseRepo + ":" + b.name}
	if _, err := b.cli.ContainerCommit(t.Context(), c.ID, as); err != nil {
		t.Fatal(err)
	}
	var changes []string
	for _, label := range append(labels, `vivarium.image.tools="older"`) {
		changes = append(changes, "LABEL "+label)
	}
	made, err := b.cli.ImageImport(t.Context(), image.ImportSource{
		Source: bytes.NewReader(packed(t, map[string][]byte{"file": []byte(time.Now().String())})), SourceName: "-",
	}, toolsRepo+":"+b.name, image.ImportOptions{Changes: changes})
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	if _, err := io.Copy(io.Discard, made); err != nil {
		t.Fatal(err)
	}
	older, err := b.cli.ImageInspect(t.Context(), toolsRepo+":"+b.name)
	if err != nil {
		t.Fatal(err)
	}
	b.replaced = append(b.replaced, older.ID) // its name goes to the new one
}

const (
	lacksMake = "dpkg --purge make"
	// noMirror also stands for a machine without a network.
	noMirror = lacksMake + "; rm -rf /etc/apt/sources.list.d; " +
		"echo 'deb http://127.0.0.1:1/ x main' >/etc/apt/sources.list"
)

func TestNewToolsKeepAnImagesFlavour(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		labels []string
		want   string
		says   string
	}{
		"slim":                            {lacksMake, []string{`vivarium.image.flavour="slim"`}, "slim", ""},
		"older, which had no flavour":     {"true", nil, "full", ""},
		"older, where nothing can be had": {noMirror, nil, "slim", "stays slim"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newEmptyBench(t)
			b.older(t, c.script, c.labels...)
			var said bytes.Buffer
			img, err := b.Ensure(t.Context(), b.name, &said)
			if err != nil {
				t.Fatal(err)
			}
			if img.Flavour != c.want || !strings.Contains(said.String(), c.says) {
				t.Errorf("the image is %s, want %s and %q said:\n%s", img.Flavour, c.want, c.says, &said)
			}
			if got := b.output(t, img.ID, "command -v make || echo none"); (got == "none\n") != (c.want == "slim") {
				t.Errorf("of make there is %q", got)
			}
		})
	}
}

// TestFullImageIsNotMadeSlimInSilence: who asks for one is told why there is none.
func TestFullImageIsNotMadeSlimInSilence(t *testing.T) {
	b := newEmptyBench(t)
	b.older(t, noMirror, `vivarium.image.flavour="full"`)
	if img, err := b.Ensure(t.Context(), b.name, io.Discard); err == nil {
		t.Errorf("got a %s image, want an error", img.Flavour)
	}
}
