package sandbox

import (
	"bytes"
	"context"

	"vivarium/sandbox/wire"
)

// ReadQuery names files whose contents are wanted, and bounds them.
type ReadQuery struct {
	Dir      string
	Paths    []string // relative to Dir, with slashes
	MaxBytes int64    // of each file
	MaxTotal int64    // of all files together
}

// Read reads files of a tree without running anything from it. The result is by path. It leaves out
// what is not a regular file, cannot be read, or does not fit the bounds. It is hostile input. The
// names must fit into one request (wire.MaxHeader).
func (s *Sandbox) Read(ctx context.Context, q ReadQuery) (map[string][]byte, error) {
	const act = "read files"
	call, err := s.call(wire.Request{Read: &wire.Read{
		Dir: q.Dir, Paths: bytesOf(q.Paths), MaxBytes: q.MaxBytes, MaxTotal: q.MaxTotal,
	}})
	if err != nil {
		return nil, s.why(ctx, act, err)
	}
	defer call.stream.Close()
	defer call.unblock(ctx)()
	r := newContentsReader(q, call.in)
	if err := r.read(); err != nil {
		return nil, s.why(ctx, act, err)
	}
	return r.contents, nil
}

// contentsReader takes in contents and holds them to what was asked for.
type contentsReader struct {
	query    ReadQuery
	in       *wire.Reader
	wanted   map[string]bool // false once it was taken
	contents map[string][]byte
	total    int64
}

func newContentsReader(q ReadQuery, in *wire.Reader) *contentsReader {
	r := &contentsReader{query: q, in: in, wanted: map[string]bool{}, contents: map[string][]byte{}}
	for _, p := range q.Paths {
		r.wanted[p] = true
	}
	return r
}

func (r *contentsReader) read() error {
	for {
		var reply wire.Reply
		if err := r.in.Header(&reply); err != nil {
			return noEOF(err)
		}
		if reply.Error != "" {
			return guestError(reply)
		}
		if reply.Content == nil {
			return nil
		}
		if err := r.take(string(reply.Content.Path), reply.Content.Size); err != nil {
			return err
		}
	}
}

func (r *contentsReader) take(name string, size int64) error {
	if !r.wanted[name] || size < 0 || size > r.query.MaxBytes || r.total+size > r.query.MaxTotal {
		return errProtocol
	}
	r.wanted[name] = false
	r.total += size
	var data bytes.Buffer
	for int64(data.Len()) < size {
		kind, p, err := r.in.Next()
		if err != nil {
			return noEOF(err)
		}
		if kind != wire.KindData || len(p) == 0 || int64(data.Len()+len(p)) > size {
			return errProtocol
		}
		data.Write(p)
	}
	r.contents[name] = data.Bytes()
	return nil
}
