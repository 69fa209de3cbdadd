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

// Remove deletes an image with its layers; one that is not there is no error but ErrNotFound.
func (m *Manager) Remove(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	release, err := m.takeTurn(ctx)
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

// Ages at which what an interrupted or a later build left behind goes. An image that is
// being made has no name for a while. Its age counts from when it was made, not from when
// it was replaced: who has resolved one must be ready to do so again.
const (
	replacedAge = 10 * time.Minute
	leftAge     = time.Hour
)

// sweep removes containers and unnamed images that making images left behind.
// It is housekeeping: what cannot be done now is done by a later one.
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

// discard removes an image that has no name and that nothing needs, such as a
// base whose layers could not be made.
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

// removeUnused removes an image unless a container or another image needs it, which is no error.
func (m *Manager) removeUnused(ctx context.Context, id string) error {
	_, err := m.cli.ImageRemove(ctx, id, image.RemoveOptions{PruneChildren: true})
	if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
		return fmt.Errorf("remove image %s: %w", id, err)
	}
	return nil
}
