package worktree

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"vivarium/cmd/vivarium/worktree/history"
)

// Open streams the tree as a tar (pipeline.Tree).
func (w *Tree) Open(ctx context.Context) (io.ReadCloser, error) {
	r, pw := io.Pipe()
	s := &tarStream{PipeReader: r, done: make(chan struct{})}
	s.stop = context.AfterFunc(ctx, func() { r.CloseWithError(context.Cause(ctx)) })
	go func() {
		defer close(s.done)
		pw.CloseWithError(w.writeTar(pw))
	}()
	return s, nil
}

// History streams a .git with the commits and tags that lead to the tree (pipeline.Tree). It is nil
// where the tree is not the top of a git work tree.
func (w *Tree) History() func(context.Context) (io.ReadCloser, error) {
	if w.git == "" {
		return nil
	}
	return func(context.Context) (io.ReadCloser, error) {
		if err := checkOwn(w.root.Name(), w.git, w.common); err != nil {
			return nil, err
		}
		return history.Open(w.git, w.common, w.limits.Bytes)
	}
}

// tarStream is the reading end. Close waits for the writer.
type tarStream struct {
	*io.PipeReader
	stop func() bool
	done chan struct{}
}

func (s *tarStream) Close() error {
	s.stop()
	err := s.PipeReader.Close()
	<-s.done
	return err
}

func (w *Tree) writeTar(to io.Writer) error {
	t := tar.NewWriter(to)
	for _, e := range w.entries {
		if err := w.writeEntry(t, e); err != nil {
			return fmt.Errorf("send %s: %w", e.name, err)
		}
	}
	return t.Close()
}

func (w *Tree) writeEntry(t *tar.Writer, e entry) error {
	switch {
	case e.info.IsDir():
		return t.WriteHeader(entryHeader(e, tar.TypeDir, 0o755))
	case e.info.Mode()&fs.ModeSymlink != 0:
		target, err := w.root.Readlink(e.name)
		if err != nil {
			return err
		}
		h := entryHeader(e, tar.TypeSymlink, 0o777)
		h.Linkname = target
		return t.WriteHeader(h)
	}
	return w.writeFile(t, e)
}

// writeFile sends a file at its present size. Modes are git's two.
func (w *Tree) writeFile(t *tar.Writer, e entry) error {
	f, err := w.open(e.name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	mode := int64(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	h := entryHeader(e, tar.TypeReg, mode)
	h.Size = info.Size()
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.CopyN(t, f, h.Size)
	if errors.Is(err, io.EOF) {
		return errors.New("the file became shorter while it was read; run again")
	}
	return err
}

func entryHeader(e entry, kind byte, mode int64) *tar.Header {
	h := &tar.Header{Typeflag: kind, Name: e.name, Mode: mode, ModTime: e.info.ModTime(), Format: tar.FormatPAX}
	if kind == tar.TypeDir {
		h.Name += "/"
	}
	return h
}
