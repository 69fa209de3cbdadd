package attack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"io"
	"testing"

	"vivarium/sandbox/egress/egresstest"
)

// bombPart is how much each part of a bomb unpacks to. All parts are one compressed piece, written
// many times.
const bombPart = 100 << 20

// zeros reads as n zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func compressed(t *testing.T, into func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := into(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, zeros{}, bombPart); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// wheelBomb is a wheel that unpacks to that many parts.
func wheelBomb(t *testing.T, name string, parts int) egresstest.File {
	t.Helper()
	part := compressed(t,
		func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	sum := crc32.NewIEEE()
	if _, err := io.CopyN(sum, zeros{}, bombPart); err != nil {
		t.Fatal(err)
	}
	small := egresstest.Wheel(name, "1.0", nil) // for its metadata
	old, err := zip.NewReader(bytes.NewReader(small.Data), int64(len(small.Data)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range parts {
		w, err := z.CreateRaw(&zip.FileHeader{
			Name: fmt.Sprintf("%s_data/%d.bin", name, i), Method: zip.Deflate, CRC32: sum.Sum32(),
			CompressedSize64: uint64(len(part)), UncompressedSize64: bombPart,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range old.File {
		if err := z.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	small.Data = b.Bytes()
	return small
}

// sdistBomb is a source distribution that unpacks to that many parts. A gzip file may consist of
// several in a row, so here too each part is the same compressed piece.
func sdistBomb(t *testing.T, name string, parts int) egresstest.File {
	t.Helper()
	part := compressed(t,
		func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestCompression) })
	small := egresstest.Sdist(name, "1.0", map[string]string{"setup.py": fmt.Sprintf(
		"from setuptools import setup\nsetup(name=%q, version='1.0', py_modules=[])\n", name)})
	var b bytes.Buffer
	for i := range parts {
		gz := gzip.NewWriter(&b)
		w := tar.NewWriter(gz)
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("%s-1.0/%d.bin", name, i), Mode: 0o644,
			Size: bombPart}); err != nil {
			t.Fatal(err)
		}
		if err := gz.Close(); err != nil { // without the end of the archive
			t.Fatal(err)
		}
		b.Write(part)
	}
	b.Write(small.Data)
	small.Data = b.Bytes()
	return small
}
