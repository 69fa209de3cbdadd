//go:build linux

package main

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func tarOf(t testing.TB, headers ...tar.Header) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// into unpacks into the folder "in" of a fresh folder and returns both folders.
func into(t testing.TB, in *bytes.Buffer) (outer, inner string, err error) {
	t.Helper()
	outer = t.TempDir()
	inner = filepath.Join(outer, "in")
	if err := os.Mkdir(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(inner)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	return outer, inner, unpack(root, in)
}

func TestUnpackStaysInside(t *testing.T) {
	for name, headers := range map[string][]tar.Header{
		"upwards":          {{Name: "../x", Typeflag: tar.TypeReg}},
		"up in the middle": {{Name: "a/../../x", Typeflag: tar.TypeReg}},
		"absolute":         {{Name: "/x", Typeflag: tar.TypeReg}},
		"through a link": {
			{Name: "l", Typeflag: tar.TypeSymlink, Linkname: ".."},
			{Name: "l/x", Typeflag: tar.TypeReg},
		},
		"directory in a link": {
			{Name: "l", Typeflag: tar.TypeSymlink, Linkname: ".."},
			{Name: "l/x/", Typeflag: tar.TypeDir},
		},
		"link in a link": {
			{Name: "l", Typeflag: tar.TypeSymlink, Linkname: ".."},
			{Name: "l/x", Typeflag: tar.TypeSymlink, Linkname: "y"},
		},
		"by a hard link": {{Name: "h", Typeflag: tar.TypeLink, Linkname: "../outside"}},
		"FIFO":           {{Name: "f", Typeflag: tar.TypeFifo}},
	} {
		t.Run(name, func(t *testing.T) {
			outer, _, err := into(t, tarOf(t, headers...))
			if err == nil {
				t.Error("it was unpacked")
			}
			if _, err := os.Lstat(filepath.Join(outer, "x")); err == nil {
				t.Error("it was written outside")
			}
		})
	}
}

func TestUnpackKeepsPermissionsButNoSetID(t *testing.T) {
	_, dir, err := into(t, tarOf(t,
		tar.Header{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o555},
		tar.Header{Name: "d/f", Typeflag: tar.TypeReg, Mode: 0o6750},
		tar.Header{Name: "d/h", Typeflag: tar.TypeLink, Linkname: "d/f"},
		tar.Header{Name: "./e/f", Typeflag: tar.TypeReg, Mode: 0o600},
		tar.Header{Name: "e/f", Typeflag: tar.TypeReg, Mode: 0o644}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "d"), 0o755) })
	for name, want := range map[string]fs.FileMode{"d": fs.ModeDir | 0o555, "d/f": 0o750, "d/h": 0o750, "e/f": 0o644} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil || info.Mode() != want {
			t.Errorf("%s: got %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
}

func TestUnpackReplacesALinkInsteadOfWritingThroughIt(t *testing.T) {
	_, dir, err := into(t, tarOf(t,
		tar.Header{Name: "target", Typeflag: tar.TypeReg, Mode: 0o644},
		tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "target"},
		tar.Header{Name: "l", Typeflag: tar.TypeReg, Mode: 0o600}))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(filepath.Join(dir, "l"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v, %v; want a file of its own", info.Mode(), err)
	}
}

// FuzzUnpack checks that no archive writes outside its directory.
func FuzzUnpack(f *testing.F) {
	f.Add(tarOf(f, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: ".."},
		tar.Header{Name: "l/x", Typeflag: tar.TypeReg}).Bytes())
	f.Add(tarOf(f, tar.Header{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o777},
		tar.Header{Name: "d/../../x", Typeflag: tar.TypeReg}).Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		outer, _, _ := into(t, bytes.NewBuffer(in)) // most inputs are no archives
		entries, err := os.ReadDir(outer)
		if err != nil || len(entries) != 1 {
			t.Fatalf("beside the directory stand %v, %v", entries, err)
		}
	})
}
