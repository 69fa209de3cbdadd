package images

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
)

// Remove deletes an image with its layers. It returns ErrNotFound when there is none.
func (m *Manager) Remove(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	release, err := m.lockImages(ctx)
	if err != nil {
		return err
	}
	defer release()
	gone := 0
	for _, repo := range []string{m.runners, toolsRepo, baseRepo} {
		_, err := m.cli.ImageRemove(ctx, repo+":"+name, image.RemoveOptions{PruneChildren: true})
		switch {
		case errdefs.IsNotFound(err):
			gone++
		case err != nil:
			return fmt.Errorf("remove image %s:%s: %w", repo, name, err)
		}
	}
	if gone == 3 {
		return notFound(name)
	}
	return nil
}

// Ages at which sweep removes what builds left behind: unnamed images (replacedAge), and containers
// of interrupted builds (leftAge). An image in the making has no name for a while. An image's age
// counts from when an image was made, not from when it was replaced: whoever has resolved an image
// must be ready to resolve it again.
const (
	replacedAge = 10 * time.Minute
	leftAge     = time.Hour
)

// sweep removes containers and unnamed images that were left behind when images were made. It is
// housekeeping: what it cannot do now, a later sweep does.
func (m *Manager) sweep(ctx context.Context) {
	if err := errors.Join(m.sweepContainers(ctx), m.sweepImages(ctx)); err != nil {
		m.log.Warn("cannot clear up after making images", "err", err)
	}
}

func (m *Manager) sweepContainers(ctx context.Context) error {
	found, err := m.cli.ContainerList(ctx, container.ListOptions{
		All:     true,
		Filters: filters.NewArgs(filters.Arg("name", "^/"+containerPrefix)),
	})
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	for _, c := range found {
		if time.Since(time.Unix(c.Created, 0)) < leftAge {
			continue
		}
		err := m.cli.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true})
		if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
			return fmt.Errorf("remove container %s: %w", c.ID, err)
		}
	}
	return nil
}

func (m *Manager) sweepImages(ctx context.Context) error {
	found, err := m.cli.ImageList(ctx, image.ListOptions{
		Filters: filters.NewArgs(filters.Arg("dangling", "true"), filters.Arg("label", labelBase)),
	})
	if err != nil {
		return fmt.Errorf("list images: %w", err)
	}
	for _, i := range found {
		if time.Since(time.Unix(i.Created, 0)) < replacedAge {
			continue
		}
		if err := m.removeUnused(ctx, i.ID); err != nil {
			return err
		}
	}
	return nil
}

// discard removes an image that has no name and that nothing needs, such as a base whose layers
// could not be made.
func (m *Manager) discard(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	found, err := m.cli.ImageInspect(ctx, id)
	if err == nil && !named(found.RepoTags) {
		err = m.removeUnused(ctx, id)
	}
	if err != nil && !errdefs.IsNotFound(err) {
		m.log.Warn("cannot remove image", "image", id, "err", err)
	}
}

func named(tags []string) bool {
	for _, t := range tags {
		if !strings.HasPrefix(t, "<none>") {
			return true
		}
	}
	return false
}

// removeUnused removes an image, or leaves it when a container or another image needs it.
func (m *Manager) removeUnused(ctx context.Context, id string) error {
	_, err := m.cli.ImageRemove(ctx, id, image.RemoveOptions{PruneChildren: true})
	if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
		return fmt.Errorf("remove image %s: %w", id, err)
	}
	return nil
}
