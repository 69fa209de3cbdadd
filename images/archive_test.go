package images

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

// tarOf makes a tar with one small file for each name; a name that ends with a slash is a folder.
func tarOf(t *testing.T, names ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, name := range names {
		h := &tar.Header{Name: name, Mode: 0o755, Size: int64(len(name)), Typeflag: tar.TypeReg}
		if strings.HasSuffix(name, "/") {
			h.Typeflag, h.Size = tar.TypeDir, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			io.WriteString(w, name)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Write(data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func zstded(t *testing.T, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(data, nil)
}

func TestArchiveIsToldByItsFirstEntryAndPassedOnWhole(t *testing.T) {
	layer := strings.Repeat("0a", 32)
	for name, c := range map[string]struct {
		entries []string
		want    Kind
	}{
		"docker save, OCI layout":     {[]string{"blobs/", "blobs/sha256/", "index.json"}, KindExport},
		"docker save, engine 20.10":   {[]string{layer + "/", layer + "/layer.tar", "manifest.json"}, KindExport},
		"docker save, config first":   {[]string{layer + ".json", "manifest.json"}, KindExport},
		"podman save":                 {[]string{layer + ".tar", "manifest.json"}, KindExport},
		"oci-layout first":            {[]string{"oci-layout", "index.json"}, KindExport},
		"tar of /":                    {[]string{"./", "./bin/", "./bin/sh"}, KindRootFS},
		"docker export":               {[]string{".dockerenv", "bin/"}, KindRootFS},
		"absolute names":              {[]string{"/", "/etc/", "/etc/passwd"}, KindRootFS},
		"root file system with blobs": {[]string{"./", "./srv/blobs/"}, KindRootFS},
	} {
		plain := tarOf(t, c.entries...)
		for packing, data := range map[string][]byte{
			"plain": plain,
			"gzip":  gzipped(t, plain),
			"zstd":  zstded(t, plain),
		} {
			t.Run(name+", "+packing, func(t *testing.T) {
				// A pipe gives few bytes at a time.
				kind, r, err := openArchive(iotest.HalfReader(bytes.NewReader(data)))
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				if kind != c.want {
					t.Errorf("kind = %q, want %q", kind, c.want)
				}
				got, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, plain) {
					t.Errorf("passed on %d bytes that differ from the %d of the tar", len(got), len(plain))
				}
			})
		}
	}
}

func TestArchiveOfAnotherKindIsRefusedWithWhatIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"text":      {bytes.Repeat([]byte("hello "), 1000), "neither"},
		"empty":     {nil, "neither"},
		"empty tar": {tarOf(t), "neither"},
		"xz":        {[]byte("\xfd7zXZ\x00rest"), "gzip or zstd"},
		"bzip2":     {[]byte("BZh91AY"), "gzip or zstd"},
		"cut gzip":  {gzipped(t, tarOf(t, "./", "./bin/sh"))[:12], "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := openArchive(bytes.NewReader(c.data))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want one that says %q", err, c.want)
			}
		})
	}
}

func TestArchiveIsNotReadFurtherThanNeededToTellIt(t *testing.T) {
	// The tar never ends: its kind must be known without waiting for its end.
	endless := io.MultiReader(bytes.NewReader(tarOf(t, "./", "./bin/sh")[:2048]), zeros{})
	kind, r, err := openArchive(endless)
	if err != nil || kind != KindRootFS {
		t.Fatalf("openArchive = %q, %v; want %q", kind, err, KindRootFS)
	}
	r.Close()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestMessagesEndWithTheErrorAmongThem(t *testing.T) {
	var seen []string
	stream := `{"status":"one"}{"stream":"two\n"}{"error":"no space left",` +
		`"errorDetail":{"message":"no space left"}}{"status":"never"}`
	err := messages(strings.NewReader(stream), func(m message) { seen = append(seen, m.Status+m.Stream) })
	if err == nil || err.Error() != "no space left" {
		t.Errorf("error = %v, want the engine's", err)
	}
	if got := strings.Join(seen, ","); got != "one,two\n" {
		t.Errorf("seen %q before it, want one and two", got)
	}
	if err := messages(strings.NewReader(`{"status":"cut`), func(message) {}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error for a stream that breaks off = %v, want %v", err, io.ErrUnexpectedEOF)
	}
}
