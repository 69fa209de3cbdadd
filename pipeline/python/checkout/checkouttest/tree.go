// Package checkouttest makes the checkouts of tests.
package checkouttest

import (
	"path"
	"slices"
	"strings"

	"vivarium/pipeline/python/checkout"
	"vivarium/sandbox"
)

// Unread is the text of a file whose contents the survey does not hold.
const Unread = "\x00unread"

// Tree is a checkout with these files and their folders. A value that begins with "-> " is a symbolic
// link.
func Tree(files map[string]string) *checkout.Tree {
	s := sandbox.Survey{Contents: map[string][]byte{}}
	dirs := map[string]bool{}
	for p, text := range files {
		for d := path.Dir(p); d != "." && !dirs[d]; d = path.Dir(d) {
			dirs[d] = true
			s.Files = append(s.Files, sandbox.File{Path: d, Dir: true})
		}
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			s.Files = append(s.Files, sandbox.File{Path: p, Link: target})
			continue
		}
		s.Files = append(s.Files, sandbox.File{Path: p, Size: int64(len(text))})
		if text != Unread {
			s.Contents[p] = []byte(text)
		}
	}
	slices.SortFunc(s.Files, func(a, b sandbox.File) int { return strings.Compare(a.Path, b.Path) })
	return checkout.New(s)
}
