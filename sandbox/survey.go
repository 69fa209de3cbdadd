package sandbox

import (
	"context"
	"io/fs"
	"slices"
	"strings"

	"vivarium/sandbox/wire"
)

// SurveyQuery bounds a look at a directory tree.
type SurveyQuery struct {
	Dir      string
	MaxFiles int
	Depth    int // levels below Dir: 1 is what stands in Dir itself; 0: all
}

// File is one entry of a tree. Path is relative, with slashes.
type File struct {
	Path string
	Size int64
	Dir  bool
	Link string // target, for a symbolic link; links are never followed
}

// Survey is what stands in a directory tree. It is hostile input, bounded.
type Survey struct {
	Files     []File            // sorted by path, .git left out
	Truncated bool              // there is more than was reported
	Contents  map[string][]byte // by path, of files that were asked for (see Sandbox.Read)
}

// Survey lists a tree without running anything from it. It reads no file.
func (s *Sandbox) Survey(ctx context.Context, q SurveyQuery) (Survey, error) {
	call, err := s.call(wire.Request{Survey: &wire.Survey{Dir: q.Dir, MaxFiles: q.MaxFiles, Depth: q.Depth}})
	if err != nil {
		return Survey{}, s.why(ctx, "survey", err)
	}
	defer call.stream.Close()
	defer call.unblock(ctx)()
	r := surveyReader{query: q, in: call.in, files: make(map[string]File)}
	if err := r.read(); err != nil {
		return Survey{}, s.why(ctx, "survey", err)
	}
	slices.SortFunc(r.survey.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return r.survey, nil
}

// surveyReader takes in a survey and holds it to what was asked for.
type surveyReader struct {
	query  SurveyQuery
	in     *wire.Reader
	survey Survey
	files  map[string]File
	names  int64 // bytes of the paths and links
}

// Bounds of names in bytes: of one path or link's target, and of all in one survey. The names of
// half a million files, at the usual length, take half of that.
const (
	maxPath  = 4096
	maxNames = 64 << 20
)

// read ends early when the names are too long together, and says that there is more.
func (r *surveyReader) read() error {
	for r.names <= maxNames {
		var reply wire.Reply
		if err := r.in.Header(&reply); err != nil {
			return noEOF(err)
		}
		if reply.Error != "" {
			return guestError(reply)
		}
		if reply.Survey == nil {
			return nil
		}
		if err := r.take(reply.Survey); err != nil {
			return err
		}
	}
	r.survey.Truncated = true
	return nil
}

func (r *surveyReader) take(e *wire.Entries) error {
	r.survey.Truncated = r.survey.Truncated || e.Truncated
	for _, f := range e.Files {
		if err := r.add(File{Path: string(f.Path), Size: f.Size, Dir: f.Dir, Link: string(f.Link)}); err != nil {
			return err
		}
	}
	return nil
}

func (r *surveyReader) add(f File) error {
	_, known := r.files[f.Path]
	if known || len(r.files) >= r.query.MaxFiles || f.Size < 0 || !validPath(f.Path) || len(f.Link) > maxPath {
		return errProtocol
	}
	r.names += int64(len(f.Path) + len(f.Link))
	r.files[f.Path] = f
	r.survey.Files = append(r.survey.Files, f)
	return nil
}

// validPath is fs.ValidPath for names that need not be UTF-8.
func validPath(p string) bool {
	return len(p) <= maxPath && p != "." && fs.ValidPath(strings.ToValidUTF8(p, "?"))
}
