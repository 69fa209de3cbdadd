package sandbox

import (
	"context"
	"fmt"
	"strconv"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
)

// Linux keeps several bounds for a user, over all of the user's containers: inotify instances,
// message queues, descriptors in flight, pages of pipes, signals that wait. So each running sandbox
// has a user of its own: one of Users, from FirstUser on.
//
// Users is far more than one engine runs at a time, since each sandbox takes a CPU of its own. It
// is no larger because the machine may give the same ids to its people, and would then share them
// with sandboxes. The range lies below 65536, the number of ids that rootless engines and those
// with userns-remap have.
const (
	FirstUser = 10001
	Users     = 1000
)

// User is the id that everything in the sandbox runs as.
func (s Spec) User() int { return FirstUser + s.userIndex }

// create makes the container of spec under a user that no other sandbox of the engine has,
// whichever process started that. The engine itself keeps users apart: a container is named after
// its user, and the engine gives a name to one container at a time, until all of that container is
// gone. create returns spec with the user.
func (e *Engine) create(ctx context.Context, spec Spec) (Spec, container.CreateResponse, error) {
	// In random order, so that two starts at the same time, or two engines on one machine, seldom
	// try the same id.
	for _, spec.userIndex = range e.order(Users) {
		config, host := Settings(spec, e.info)
		created, err := e.createOrUndo(ctx, &config, &host, spec.containerName())
		if !errdefs.IsConflict(err) {
			return spec, created, err
		}
	}
	return spec, container.CreateResponse{}, fmt.Errorf(
		"all %d users for sandboxes are taken: see `docker ps --all --filter label=%s`, "+
			"and remove the containers of servers that are gone",
		Users,
		LabelInstance,
	)
}

func (s Spec) containerName() string { return "vivarium-sandbox-" + strconv.Itoa(s.User()) }
