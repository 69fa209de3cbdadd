//go:build linux

package main

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"vivarium/sandbox/wire"
)

// archive packs paths into a tar.
func archive(op *operation, req *wire.Archive) error {
	root, err := os.OpenRoot(req.Dir)
	if err != nil {
		return fmt.Errorf("pack archive: %w", err)
	}
	defer root.Close()
	ctx, cancel := op.canceled()
	defer cancel()
	defer context.AfterFunc(ctx, func() { op.stream.Close() })()

	buffered := bufio.NewWriterSize(dataWriter{op.out}, wire.MaxData)
	if err := pack(root, buffered, texts(req.Paths)); err != nil {
		return fmt.Errorf("pack archive of %s: %w", req.Dir, err)
	}
	return buffered.Flush()
}

// dataWriter writes data frames.
type dataWriter struct{ out *wire.Writer }

func (d dataWriter) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		n := min(len(p), wire.MaxData)
		buf := append(make([]byte, wire.HeadSize, wire.HeadSize+n), p[:n]...)
		if err := d.out.Data(wire.KindData, buf); err != nil {
			return written, err
		}
		written += n
		p = p[n:]
	}
	return written, nil
}

// pack writes regular files, directories and symbolic links. Links are never followed.
func pack(root *os.Root, w io.Writer, paths []string) error {
	entries := tar.NewWriter(w)
	for _, p := range paths {
		err := fs.WalkDir(root.FS(), p, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return packEntry(root, entries, name)
		})
		if err != nil {
			return err
		}
	}
	return entries.Close()
}

func packEntry(root *os.Root, entries *tar.Writer, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	var link string
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		if link, err = root.Readlink(name); err != nil {
			return err
		}
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil // a socket, a FIFO: nothing to keep
	}
	h, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	h.Name = name
	if info.IsDir() {
		h.Name += "/"
	}
	h.Uname, h.Gname, h.Format = "", "", tar.FormatPAX
	if err := entries.WriteHeader(h); err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	return copyFile(entries, root, name, info.Size())
}

func copyFile(w io.Writer, root *os.Root, name string, size int64) error {
	f, err := openRegular(root, name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.CopyN(w, f, size); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// openRegular opens a file that must not be a link, and does not wait for a FIFO's other end.
func openRegular(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
}
