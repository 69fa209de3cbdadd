package checkout

import (
	"path"
	"strings"

	"vivarium/sandbox"
)

// Below is the tree below dir, with paths relative to it. A link to a file beside dir stands for that
// file. Below "." is the tree itself.
func (t *Tree) Below(dir string) *Tree {
	if dir == "." || dir == "" {
		return t
	}
	s := sandbox.Survey{Contents: map[string][]byte{}}
	for _, p := range t.Paths {
		rel, inside := strings.CutPrefix(p, dir+"/")
		if !inside {
			continue
		}
		f := t.files[p]
		if f.Link != "" && !path.IsAbs(f.Link) && strings.HasPrefix(path.Join(path.Dir(rel), f.Link), "..") {
			if target, ok := t.Resolve(p); ok && !target.Dir {
				f = target
			}
		}
		data, held := t.contents[f.Path]
		if f.Path = rel; held && !t.passed[p] {
			s.Contents[rel] = data
		}
		s.Files = append(s.Files, f)
	}
	return New(s)
}
