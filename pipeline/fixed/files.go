package fixed

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"vivarium/sandbox/quantity"
)

// Bounds of the operator's own files. They are held in memory while a build lasts.
const (
	maxFiles = 5000
	maxBytes = 32 << 20
)

// File is one of the operator's own files.
type File struct {
	Data       []byte
	Executable bool
}

// Files are the operator's own files, by their paths in the checkout.
type Files map[string]File

// ReadTar reads the files below a folder of a checkout, "" for all, out of its tar. What stands in .git
// is none of them. Links are refused: they could lead to what is the repository's.
func ReadTar(r io.Reader, folder string) (Files, error) {
	files := Files{}
	room := int64(maxBytes)
	entries := tar.NewReader(r)
	for {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		name, ok := below(folder, path.Clean(h.Name))
		switch {
		case !ok, h.Typeflag == tar.TypeDir:
			continue
		case h.Typeflag != tar.TypeReg:
			return nil, fmt.Errorf("%.200q is neither a file nor a folder", name)
		case len(files) == maxFiles || h.Size > room:
			return nil, fmt.Errorf("there are more than %d files or %s of them", maxFiles, quantity.Bytes(maxBytes))
		}
		data, err := io.ReadAll(io.LimitReader(entries, h.Size))
		if err != nil {
			return nil, err
		}
		room -= h.Size
		files[name] = File{Data: data, Executable: h.Mode&0o100 != 0}
	}
	if len(files) == 0 {
		return nil, errors.New("there are no files")
	}
	return files, nil
}

// below is a path as it is seen from a folder.
func below(folder, name string) (string, bool) {
	if name == ".git" || strings.HasPrefix(name, ".git/") {
		return "", false
	}
	if folder == "" {
		return name, name != "."
	}
	return strings.CutPrefix(name, folder+"/")
}

// Paths are the files' paths in order.
func (f Files) Paths() []string { return slices.Sorted(maps.Keys(f)) }

// Tar packs the files.
func (f Files) Tar() ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range f.Paths() {
		file := f[name]
		mode := int64(0o644)
		if file.Executable {
			mode = 0o755
		}
		h := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode, Size: int64(len(file.Data)), Format: tar.FormatPAX}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(file.Data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
