package images

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
)

// List returns all runner images, by name.
func (m *Manager) List(ctx context.Context) ([]Image, error) {
	found, err := m.cli.ImageList(ctx, image.ListOptions{
		Filters: filters.NewArgs(filters.Arg("reference", m.runners+":*"), filters.Arg("label", labelInit)),
	})
	if err != nil {
		return nil, fmt.Errorf("list runner images: %w", err)
	}
	var list []Image
	for _, f := range found {
		for _, tag := range f.RepoTags {
			name, ours := strings.CutPrefix(tag, m.runners+":")
			if !ours {
				continue
			}
			img, err := m.inspect(ctx, name)
			if errors.Is(err, ErrNotFound) {
				continue // removed since it was listed
			}
			if err != nil {
				return nil, err
			}
			list = append(list, img)
		}
	}
	slices.SortFunc(list, func(a, b Image) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// inspect returns the runner image that the engine has under a name, whatever init it holds.
func (m *Manager) inspect(ctx context.Context, name string) (Image, error) {
	found, err := m.cli.ImageInspect(ctx, m.runners+":"+name)
	if errdefs.IsNotFound(err) {
		return Image{}, notFound(name)
	}
	if err != nil {
		return Image{}, fmt.Errorf("inspect image %s:%s: %w", m.runners, name, err)
	}
	img := Image{Name: name, ID: found.ID, Arch: found.Architecture, Size: found.Size}
	if found.Config != nil {
		img.Python = found.Config.Labels[labelPython]
		img.Base = found.Config.Labels[labelBase]
		img.Flavour = cmp.Or(found.Config.Labels[labelFlavour], slimOnly)
		img.Init = found.Config.Labels[labelInit]
	}
	if img.Created, err = time.Parse(time.RFC3339Nano, found.Created); err != nil {
		return Image{}, fmt.Errorf("inspect image %s:%s: creation time: %w", m.runners, name, err)
	}
	return img, nil
}
