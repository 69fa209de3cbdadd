package main

import (
	"archive/tar"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"sync"

	"vivarium/sandbox"
)

// debianPackage holds what Debian leaves out of Python itself: most of the package test.
const debianPackage = "libpython3.11-testsuite"

// fetched is a suite in a temporary folder. Whoever fetched it removes the folder.
type fetched struct{ temporary, folder string }

// fetchSuite fetches and unpacks Debian's package. Installing it would require the same version of
// Python on this machine.
func fetchSuite(ctx context.Context) (f fetched, err error) {
	if f.temporary, err = os.MkdirTemp("", "vivarium-cpython-"); err != nil {
		return f, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("fetch CPython's tests (-suite names a folder that has them): %w", err),
				os.RemoveAll(f.temporary))
		}
	}()
	fetch := exec.CommandContext(ctx, "apt-get", "download", "-qq", debianPackage)
	fetch.Dir = f.temporary
	if out, err := fetch.CombinedOutput(); err != nil {
		return f, fmt.Errorf("apt-get download %s: %w: %s", debianPackage, err, out)
	}
	archive, err := downloaded(f.temporary)
	if err != nil {
		return f, err
	}
	if out, err := exec.CommandContext(ctx, "dpkg-deb", "--extract", archive,
		f.temporary).CombinedOutput(); err != nil {
		return f, fmt.Errorf("unpack %s: %w: %s", filepath.Base(archive), err, out)
	}
	fmt.Println("tests of", filepath.Base(archive))
	f.folder = filepath.Join(f.temporary, "usr/lib/python3.11/test")
	return f, nil
}

// downloaded finds the one package that apt-get left in a folder.
func downloaded(folder string) (string, error) {
	archives, err := filepath.Glob(filepath.Join(folder, "*.deb"))
	switch {
	case err != nil:
		return "", fmt.Errorf("list %s: %w", folder, err)
	case len(archives) == 0:
		return "", errors.New("apt-get download left no package")
	case len(archives) > 1:
		return "", fmt.Errorf("apt-get download left %d packages, %q", len(archives), archives)
	}
	return archives[0], nil
}

//go:embed runner.py
var runnerScript []byte

const runnerName = "runner.py"

// withSuite passes the tar that writeSuite writes to take.
func withSuite(folder, prefix string, take func(tar io.Reader) error) error {
	r, w := io.Pipe()
	var writer sync.WaitGroup
	writer.Go(func() { w.CloseWithError(writeSuite(w, folder, prefix)) })
	err := take(r)
	r.Close() // ends the writer even if take has not read to the end
	writer.Wait()
	return err
}

// writeSuite writes a tar of the suite and its runner, with all names below prefix.
func writeSuite(w io.Writer, folder, prefix string) error {
	t := tar.NewWriter(w)
	if prefix != "" {
		if err := t.WriteHeader(
			owned(&tar.Header{Typeflag: tar.TypeDir, Name: prefix + "/", Mode: 0o755})); err != nil {
			return err
		}
	}
	err := errors.Join(
		addFile(t, path.Join(prefix, runnerName), runnerScript),
		addFolder(t, os.DirFS(folder), path.Join(prefix, "test")))
	return errors.Join(err, t.Close())
}

func addFolder(t *tar.Writer, files fs.FS, prefix string) error {
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return t.WriteHeader(
				owned(&tar.Header{Typeflag: tar.TypeDir, Name: path.Join(prefix, name) + "/", Mode: 0o755}))
		case !d.Type().IsRegular():
			return fmt.Errorf("%s in CPython's tests is not a plain file", name)
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return addFile(t, path.Join(prefix, name), content)
	})
}

func addFile(t *tar.Writer, name string, content []byte) error {
	if err := t.WriteHeader(
		owned(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))})); err != nil {
		return err
	}
	_, err := t.Write(content)
	return err
}

// owned sets the owner, which matters in a plain container. A sandbox has only one user.
func owned(h *tar.Header) *tar.Header {
	h.Uid, h.Gid = sandbox.FirstUser, sandbox.GID
	return h
}
