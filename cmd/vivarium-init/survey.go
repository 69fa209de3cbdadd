//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"vivarium/sandbox/wire"
)

// Bounds of a survey that the host does not choose.
const (
	maxPath = 4096 // bytes; longer paths are left out
	batch   = 512  // files in one reply
)

// batchBytes is how many bytes of paths and links end a batch early, so that a reply stays below
// wire.MaxHeader.
const batchBytes = 256 << 10

// survey reports what files there are.
func survey(op *operation, req *wire.Survey) error {
	root, err := os.OpenRoot(req.Dir)
	if err != nil {
		return fmt.Errorf("survey: %w", err)
	}
	defer root.Close()
	ctx, cancel := op.canceled()
	defer cancel()
	defer context.AfterFunc(ctx, func() { op.stream.Close() })()
	s := surveyor{ctx: ctx, root: root, out: op.out, req: req}
	if err := s.files(); err != nil {
		return fmt.Errorf("survey %s: %w", req.Dir, err)
	}
	return nil
}

type surveyor struct {
	ctx  context.Context
	root *os.Root
	out  *wire.Writer
	req  *wire.Survey

	count     int
	pending   []wire.File
	bytes     int // of pending
	truncated bool
}

var errEnough = errors.New("enough files")

func (s *surveyor) files() error {
	err := fs.WalkDir(s.root.FS(), ".", s.visit)
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return s.flush(true)
}

func (s *surveyor) visit(name string, d fs.DirEntry, err error) error {
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	if err != nil {
		return s.unreadable(name, d)
	}
	switch {
	case name == ".":
		return nil
	case d.Name() == ".git":
		return skip(d)
	case len(name) > maxPath:
		s.truncated = true
		return skip(d)
	case s.count == s.req.MaxFiles:
		s.truncated = true
		return errEnough
	}
	s.count++
	if err := s.add(name, d); err != nil {
		return err
	}
	if strings.Count(name, "/")+1 == s.req.Depth {
		return skip(d)
	}
	return nil
}

// unreadable leaves out a file that cannot be read, and notes that one is missing.
func (s *surveyor) unreadable(name string, d fs.DirEntry) error {
	if name == "." {
		return errors.New("the directory cannot be read")
	}
	s.truncated = true
	return skip(d)
}

func skip(d fs.DirEntry) error {
	if d != nil && d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func (s *surveyor) add(name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		s.truncated = true
		return nil
	}
	f := wire.File{Path: []byte(name), Dir: d.IsDir()}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		link, err := s.root.Readlink(name)
		if err != nil {
			s.truncated = true
			return nil
		}
		f.Link = []byte(link)
	case info.Mode().IsRegular():
		f.Size = info.Size()
	}
	s.pending = append(s.pending, f)
	s.bytes += len(f.Path) + len(f.Link)
	if len(s.pending) == batch || s.bytes > batchBytes {
		return s.flush(false)
	}
	return nil
}

func (s *surveyor) flush(last bool) error {
	if len(s.pending) == 0 && !(last && s.truncated) {
		return nil
	}
	err := s.out.Header(wire.Reply{Survey: &wire.Entries{Files: s.pending, Truncated: s.truncated}})
	s.pending, s.bytes = s.pending[:0], 0
	return err
}
