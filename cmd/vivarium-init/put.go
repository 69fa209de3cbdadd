//go:build linux

package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"vivarium/sandbox/wire"
)

// put unpacks a tar into a directory.
func put(op *operation, req *wire.Put) error {
	root, err := os.OpenRoot(req.Dir)
	if err != nil {
		return fmt.Errorf("unpack archive: %w", err)
	}
	defer root.Close()
	in := &dataReader{in: op.in}
	if err := unpack(root, in); err != nil {
		return fmt.Errorf("unpack archive into %s: %w", req.Dir, err)
	}
	// What follows the tar's own end is padding.
	if _, err := io.Copy(io.Discard, in); err != nil {
		return fmt.Errorf("unpack archive into %s: %w", req.Dir, err)
	}
	return nil
}

// dataReader reads the payload of data frames up to the end frame.
type dataReader struct {
	in   *wire.Reader
	left []byte
	end  bool
}

func (d *dataReader) Read(p []byte) (int, error) {
	for len(d.left) == 0 {
		if d.end {
			return 0, io.EOF
		}
		kind, data, err := d.in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return 0, io.ErrUnexpectedEOF
		case err != nil:
			return 0, err
		case kind == wire.KindEnd:
			d.end = true
		case kind == wire.KindData:
			d.left = data
		default:
			return 0, fmt.Errorf("frame of kind %d in an archive", kind)
		}
	}
	n := copy(p, d.left)
	d.left = d.left[n:]
	return n, nil
}

// unpack writes a tar's entries below root. No entry can be written outside it, neither
// by its name nor through a link that came before it: root refuses both.
func unpack(root *os.Root, r io.Reader) error {
	u := unpacker{root: root, dirs: map[string]fs.FileMode{}}
	entries := tar.NewReader(r)
	for {
		h, err := entries.Next()
		if err == io.EOF {
			return u.setDirModes()
		}
		if err != nil {
			return err
		}
		if err := u.entry(h, entries); err != nil {
			return fmt.Errorf("%q: %w", h.Name, err)
		}
	}
}

type unpacker struct {
	root *os.Root
	dirs map[string]fs.FileMode // their modes, set at the end since one may forbid writing
}

// permissions are the bits that are kept: never set-id or sticky.
func permissions(h *tar.Header) fs.FileMode { return h.FileInfo().Mode().Perm() }

func (u *unpacker) entry(h *tar.Header, content io.Reader) error {
	name := path.Clean(strings.TrimSuffix(h.Name, "/"))
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil // git archive writes one, with the commit's name
	}
	if path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
		return errors.New("lies outside the directory")
	}
	if h.Typeflag == tar.TypeDir {
		u.dirs[name] = permissions(h)
		return u.root.MkdirAll(name, 0o700)
	}
	if name == "." {
		return errors.New("is the directory itself")
	}
	if err := u.makeWay(name); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg:
		return u.file(name, h, content)
	case tar.TypeSymlink:
		return u.root.Symlink(h.Linkname, name)
	case tar.TypeLink:
		return u.root.Link(path.Clean(h.Linkname), name)
	}
	return fmt.Errorf("neither a file, a directory nor a link (type %q)", h.Typeflag)
}

// makeWay makes the directory above the entry, and removes what already has the entry's name.
func (u *unpacker) makeWay(name string) error {
	if dir := path.Dir(name); dir != "." {
		if err := u.root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := u.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (u *unpacker) file(name string, h *tar.Header, content io.Reader) error {
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	err = errors.Join(err, f.Chmod(permissions(h)), f.Close())
	if err != nil {
		return err
	}
	return u.root.Chtimes(name, time.Time{}, h.ModTime)
}

// setDirModes sets the innermost modes first: once a directory forbids entering, those in it cannot
// be reached.
func (u *unpacker) setDirModes() error {
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(u.dirs))) {
		if name == "." {
			continue
		}
		if err := u.root.Chmod(name, u.dirs[name]); err != nil {
			return err
		}
	}
	return nil
}
