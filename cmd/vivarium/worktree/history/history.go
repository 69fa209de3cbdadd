// Package history makes of a repository's git folder what tells a build its version: the commits and
// tags that lead to HEAD, and the files of HEAD. The repository may be a stranger's: nothing of it
// runs, its configuration, hooks and other refs stay behind, and all is bounded.
package history

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

const (
	maxCommits = 20_000
	maxTags    = 10_000
	maxChain   = 5         // tags of tags
	maxObjects = 1_000_000 // in all
	maxDepth   = 200       // folders in one another
	// largeObject is from which size on an object is not held in memory, in bytes.
	largeObject = 8 << 20
)

// history is what goes into the build.
type history struct {
	store   *filesystem.Storage
	head    plumbing.Hash
	seen    map[plumbing.Hash]bool // objects that are in it
	objects []plumbing.Hash
	shallow []plumbing.Hash   // commits whose parents are not
	tags    map[string]string // the object by the name of the ref
}

// Open reads the repository whose git folder is dir; what it shares with other work trees is in
// common. The result is a tar of a .git without objects' index and configuration: `git init` and
// `git index-pack .git/PackFile` complete it. Of its objects at most so many bytes are taken.
func Open(dir, common string, most int64) (stream io.ReadCloser, err error) {
	// A reader of the files of strangers is not to end the program.
	defer func() {
		if p := recover(); p != nil {
			stream, err = nil, fmt.Errorf("read the git folder %s: it is damaged: %v", dir, p)
		}
	}()
	fs := dotgit.NewRepositoryFilesystem(osfs.New(dir, osfs.WithBoundOS()), osfs.New(common, osfs.WithBoundOS()))
	h := &history{
		store: filesystem.NewStorageWithOptions(fs, cache.NewObjectLRU(16*cache.MiByte),
			filesystem.Options{LargeObjectThreshold: largeObject}),
		seen: map[plumbing.Hash]bool{},
		tags: map[string]string{},
	}
	defer h.store.Close()
	if err := h.collect(); err != nil {
		return nil, fmt.Errorf("read the git folder %s: %w", dir, err)
	}
	stream, err = h.tar(most)
	if err != nil {
		return nil, fmt.Errorf("copy from the git folder %s: %w", dir, err)
	}
	return stream, nil
}

func (h *history) collect() error {
	head, err := h.resolve()
	if err != nil {
		return err
	}
	h.head = head
	if err := h.commits(); err != nil {
		return err
	}
	if err := h.readTags(); err != nil {
		return err
	}
	c, err := h.read(plumbing.CommitObject, head)
	if err != nil {
		return err
	}
	return h.tree(c.named("tree")[0], 0)
}

// resolve finds the commit that HEAD stands at.
func (h *history) resolve() (plumbing.Hash, error) {
	name := plumbing.HEAD
	for range maxChain {
		ref, err := h.store.Reference(name)
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("find %s: %w", name, err)
		}
		if ref.Type() == plumbing.HashReference {
			return ref.Hash(), nil
		}
		name = ref.Target()
	}
	return plumbing.ZeroHash, errors.New("HEAD leads to no commit")
}

// commits takes HEAD and what leads to it, the nearest first, as far as the bound allows and the
// repository has it.
func (h *history) commits() error {
	queue := []plumbing.Hash{h.head}
	parents := map[plumbing.Hash][]plumbing.Hash{}
	for len(queue) > 0 && len(h.objects) < maxCommits {
		at := queue[0]
		queue = queue[1:]
		if h.seen[at] {
			continue
		}
		c, err := h.read(plumbing.CommitObject, at)
		if errors.Is(err, plumbing.ErrObjectNotFound) && at != h.head {
			continue // the repository is shallow itself
		}
		if err != nil {
			return err
		}
		h.take(at)
		parents[at] = c.named("parent")
		queue = append(queue, parents[at]...)
	}
	for _, c := range h.objects {
		for _, p := range parents[c] {
			if !h.seen[p] {
				h.shallow = append(h.shallow, c)
				break
			}
		}
	}
	return nil
}

// take adds an object once.
func (h *history) take(hash plumbing.Hash) {
	if !h.seen[hash] {
		h.seen[hash] = true
		h.objects = append(h.objects, hash)
	}
}

// readTags takes the tags on those commits.
func (h *history) readTags() error {
	refs, err := h.store.IterReferences()
	if err != nil {
		return fmt.Errorf("list the tags: %w", err)
	}
	defer refs.Close()
	return refs.ForEach(func(ref *plumbing.Reference) error {
		name := ref.Name().String()
		if ref.Name().IsTag() && ref.Type() == plumbing.HashReference && plain(name) && len(h.tags) < maxTags {
			h.tag(name, ref.Hash())
		}
		return nil
	})
}

// plain reports whether a ref's name can stand in a file of refs.
func plain(name string) bool { return !strings.ContainsAny(name, " \t\r\n\x00") && len(name) < 1000 }

func (h *history) tag(name string, target plumbing.Hash) {
	var chain []plumbing.Hash
	for at := target; len(chain) < maxChain; {
		if h.seen[at] {
			for _, tag := range chain {
				h.take(tag)
			}
			h.tags[name] = target.String()
			return
		}
		tag, err := h.read(plumbing.TagObject, at)
		if err != nil {
			return // on something that does not lead to HEAD
		}
		chain = append(chain, at)
		at = tag.named("object")[0]
	}
}

// tree takes a folder of HEAD with all that is in it.
func (h *history) tree(hash plumbing.Hash, depth int) error {
	if h.seen[hash] {
		return nil
	}
	t, err := h.read(plumbing.TreeObject, hash)
	if err != nil {
		return err
	}
	h.take(hash)
	if depth == maxDepth || len(h.objects) > maxObjects {
		return errors.New("HEAD holds too much")
	}
	return t.entries(func(mode string, entry plumbing.Hash) error {
		switch mode {
		case "160000": // a submodule's commit, which is not here
		case "40000":
			return h.tree(entry, depth+1)
		default:
			h.take(entry)
		}
		return nil
	})
}
