package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
)

// labelCreate marks one try to create a container. By it a container is found again that the engine
// made without an answer. A name would not do: the container of that name may be somebody else's.
const labelCreate = "vivarium.create"

// createGrace is how long an engine may take to answer after the caller has given up. A create
// takes a tenth of a second; under emulation, some seconds.
var createGrace = 10 * time.Second

// createOrUndo makes a container or leaves none behind. It adds a label to config. An engine
// finishes a create even if the caller has gone, and only the answer tells the container's ID. So
// the end of ctx does not end the call, and a container that comes too late is removed.
func (e *Engine) createOrUndo(
	ctx context.Context,
	config *container.Config,
	host *container.HostConfig,
	name string,
) (container.CreateResponse, error) {
	if ctx.Err() != nil {
		return container.CreateResponse{}, context.Cause(ctx)
	}
	try := rand.Text()
	config.Labels[labelCreate] = try
	making, cancel := outlasting(ctx, createGrace)
	defer cancel()
	created, err := e.cli.ContainerCreate(making, config, host, nil, nil, name)
	if ctx.Err() == nil &&
		(err == nil || errdefs.IsNotFound(err) || errdefs.IsConflict(err) || errdefs.IsInvalidArgument(err)) {
		return created, err
	}
	if undone := e.undo(ctx, try); undone != nil {
		e.log.Debug("cannot remove a container that was perhaps created", "err", undone) // a later sweep removes it
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	return container.CreateResponse{}, err
}

// outlasting is a context that ends this long after ctx.
func outlasting(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}

// undo removes the container that a try may have created.
func (e *Engine) undo(ctx context.Context, try string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	made, err := e.cli.ContainerList(ctx,
		container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", labelCreate+"="+try))})
	if err != nil {
		return fmt.Errorf("look for a container: %w", err)
	}
	var errs []error
	for _, c := range made {
		errs = append(errs, removeContainer(ctx, e.cli, c.ID))
	}
	return errors.Join(errs...)
}
