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

// labelCreate is of one try to create a container, by which what an engine made without an answer is found again. A name would
// not do: the container of that name may be somebody else's.
const labelCreate = "vivarium.create"

// createGrace is how long an engine has to answer once nobody wants the container any more. A create takes a tenth of a second,
// and some seconds under emulation.
var createGrace = 10 * time.Second

// createOrUndo makes a container or leaves none behind. An engine carries a create on when its caller has gone, and only its
// answer tells the ID: so ctx does not end the call, and a container that comes too late is taken away again. It adds a label to
// config.
func (e *Engine) createOrUndo(ctx context.Context, config *container.Config, host *container.HostConfig, name string) (container.CreateResponse, error) {
	if ctx.Err() != nil {
		return container.CreateResponse{}, context.Cause(ctx)
	}
	try := rand.Text()
	config.Labels[labelCreate] = try
	making, cancel := outlasting(ctx, createGrace)
	defer cancel()
	created, err := e.cli.ContainerCreate(making, config, host, nil, nil, name)
	if ctx.Err() == nil && (err == nil || errdefs.IsNotFound(err) || errdefs.IsConflict(err) || errdefs.IsInvalidArgument(err)) {
		return created, err
	}
	if undone := e.undo(ctx, try); undone != nil {
		e.log.Debug("cannot remove a container that was perhaps created", "err", undone) // where the engine is away, a sweep does
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	return container.CreateResponse{}, err
}

// outlasting is a context that ends so long after ctx has.
func outlasting(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}

// undo takes away what a try to create may have made.
func (e *Engine) undo(ctx context.Context, try string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	made, err := e.cli.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", labelCreate+"="+try))})
	if err != nil {
		return fmt.Errorf("look for a container: %w", err)
	}
	var errs []error
	for _, c := range made {
		errs = append(errs, removeContainer(ctx, e.cli, c.ID))
	}
	return errors.Join(errs...)
}
