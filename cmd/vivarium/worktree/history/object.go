package history

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// raw is what stands in an object.
type raw []byte

// read reads a commit, a tag or a folder. A commit names its tree, and a tag its object.
func (h *history) read(kind plumbing.ObjectType, hash plumbing.Hash) (raw, error) {
	o, err := h.store.EncodedObject(kind, hash)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind, hash, err)
	}
	if o.Size() > largeObject {
		return nil, fmt.Errorf("read %s %s: it has %d bytes", kind, hash, o.Size())
	}
	r, err := o.Reader()
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind, hash, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, largeObject))
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind, hash, err)
	}
	must := map[plumbing.ObjectType]string{plumbing.CommitObject: "tree", plumbing.TagObject: "object"}[kind]
	if must != "" && len(raw(data).named(must)) == 0 {
		return nil, fmt.Errorf("read %s %s: it is damaged", kind, hash)
	}
	return data, nil
}

// named are the objects that the head of a commit or tag names in lines of this kind.
func (r raw) named(line string) []plumbing.Hash {
	head, _, _ := bytes.Cut(r, []byte("\n\n"))
	var all []plumbing.Hash
	for text := range strings.SplitSeq(string(head), "\n") {
		if hash, ok := strings.CutPrefix(text, line+" "); ok && plumbing.IsHash(hash) {
			all = append(all, plumbing.NewHash(hash))
		}
	}
	return all
}

// entries tells of what a folder holds: MODE SP NAME NUL HASH, one after the other.
func (r raw) entries(take func(mode string, hash plumbing.Hash) error) error {
	for len(r) > 0 {
		var hash plumbing.Hash
		head, rest, ok := bytes.Cut(r, []byte{0})
		mode, _, spaced := strings.Cut(string(head), " ")
		if !ok || !spaced || copy(hash[:], rest) < len(hash) {
			return fmt.Errorf("a folder is damaged")
		}
		if err := take(mode, hash); err != nil {
			return err
		}
		r = rest[len(hash):]
	}
	return nil
}
