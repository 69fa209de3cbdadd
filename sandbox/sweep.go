package sandbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
)

// For this long a container is left alone that another worker may just have created, or whose PID 1
// may just be ending.
const sweepGrace = time.Minute

// Sweep removes this instance's containers that were never started or are past their deadline; with
// all, every container of the instance. It also removes containers of other instances that nobody
// can need, since those instances may be gone for good. It reports how many it removed.
func (e *Engine) Sweep(ctx context.Context, instance string, all bool) (int, error) {
	found, err := e.cli.ContainerList(ctx, container.ListOptions{
		All:     true,
		Filters: filters.NewArgs(filters.Arg("label", LabelInstance)),
	})
	if err != nil {
		return 0, fmt.Errorf("list sandboxes: %w", err)
	}
	var removed int
	var errs []error
	for _, c := range found {
		own := c.Labels[LabelInstance] == instance
		if !(own && (all || stale(c, time.Now())) || !own && abandoned(c, time.Now())) {
			continue
		}
		if err := removeContainer(ctx, e.cli, c.ID); err != nil {
			errs = append(errs, err)
			continue
		}
		removed++
	}
	return removed, errors.Join(errs...)
}

// stale reports whether nobody can need the container any more. A container whose deadline cannot
// be read is left alone.
func stale(c container.Summary, now time.Time) bool {
	if c.State == container.StateCreated {
		return now.Sub(time.Unix(c.Created, 0)) > sweepGrace
	}
	return overdue(c, now)
}

// abandoned reports whether another instance's container does not run and is past its deadline. A
// running one is ended by its own PID 1, and then removed by the engine.
func abandoned(c container.Summary, now time.Time) bool {
	runs := c.State != container.StateCreated && c.State != container.StateExited && c.State != container.StateDead
	return !runs && overdue(c, now)
}

func overdue(c container.Summary, now time.Time) bool {
	deadline, err := time.Parse(time.RFC3339, c.Labels[LabelDeadline])
	return err == nil && now.Sub(deadline) > sweepGrace
}
