package sandbox

import (
	"context"
	"fmt"
	"strconv"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
)

// Linux keeps several bounds for a user, over all of the user's containers: inotify instances, message queues, descriptors
// in flight, pages of pipes, signals that wait. So each running sandbox is a user of its own: one of Users, from FirstUser on.
//
// Users is far above what one engine runs at a time, since each sandbox takes a CPU of its own. It is no larger, since an id
// that the machine gives to one of its people too is one that a sandbox shares. The range fits below the 65536 ids that
// engines without root, or with userns-remap, have.
const (
	FirstUser = 10001
	Users     = 1000
)

// User is the id that everything in the sandbox runs as.
func (s Spec) User() int { return FirstUser + s.userIndex }

// create makes the container of spec as a user that no other sandbox of the engine has, whichever process started it. The
// engine keeps them apart: a container is named after its user, and a name belongs to one container at a time, from before
// it starts until all of it is gone. spec is returned with its user.
func (e *Engine) create(ctx context.Context, spec Spec) (Spec, container.CreateResponse, error) {
	// By chance, so that starts at one time, and other engines on the same machine, seldom meet at one id.
	for _, spec.userIndex = range e.order(Users) {
		config, host := Settings(spec, e.info)
		created, err := e.createOrUndo(ctx, &config, &host, spec.containerName())
		if !errdefs.IsConflict(err) {
			return spec, created, err
		}
	}
	return spec, container.CreateResponse{}, fmt.Errorf("all %d users for sandboxes are taken: see `docker ps --all --filter label=%s`, "+
		"and remove the containers of servers that are gone", Users, LabelInstance)
}

func (s Spec) containerName() string { return "vivarium-sandbox-" + strconv.Itoa(s.User()) }
