package images

import (
	"context"
	"errors"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
)

// names returns the ID behind every reference on the engine. An image's ID is a reference too: an
// archive may hold an image without a name.
func (m *Manager) names(ctx context.Context) (map[string]string, error) {
	found, err := m.cli.ImageList(ctx, image.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	ids := make(map[string]string)
	for _, f := range found {
		ids[f.ID] = f.ID
		for _, tag := range f.RepoTags {
			ids[tag] = f.ID
		}
	}
	return ids, nil
}

// putBack undoes a load: afterwards each reference names what it named before, or nothing.
func (m *Manager) putBack(ctx context.Context, loaded []string, before map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, cleanupTimeout)
	defer cancel()
	var errs []error
	for _, ref := range loaded {
		var err error
		switch id := before[ref]; id {
		case ref: // an image that was there already
		case "":
			_, err = m.cli.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: true})
		default:
			err = m.cli.ImageTag(ctx, id, ref)
		}
		if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
			errs = append(errs, fmt.Errorf("undo loading of %s: %w", ref, err))
		}
	}
	return errors.Join(errs...)
}
