package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"
)

// Others is how much of the engine's memory the running containers may take that are not this
// server's sandboxes, in bytes.
type Others struct {
	Sandboxes int64 // sandboxes of other servers; these will end
	Rest      int64 // all other containers; these may never end

	Unseen error // says why containers could not be looked at; these are not counted
}

// looksAtOnce bounds the calls that run at the same time.
const looksAtOnce = 8

// lookTimeout bounds the call for one container. An engine that is otherwise well can hang over one
// container, for example when its shim is dead.
const lookTimeout = pingTimeout

// Others looks at each container that is not the instance's own. It fails only when the engine does
// not list its containers.
func (e *Engine) Others(ctx context.Context, instance string) (Others, error) {
	running, err := e.cli.ContainerList(ctx, container.ListOptions{})
	if err != nil {
		return Others{}, fmt.Errorf("list containers: %w", err)
	}
	var (
		mu    sync.Mutex
		total Others
		errs  []error
		group errgroup.Group
	)
	group.SetLimit(looksAtOnce)
	for _, c := range running {
		if c.Labels[LabelInstance] == instance {
			continue
		}
		group.Go(func() error {
			look, cancel := context.WithTimeout(ctx, lookTimeout)
			defer cancel()
			memory, err := e.memoryOf(look, c.ID)
			mu.Lock()
			defer mu.Unlock()
			total.add(memory, isSandbox(c, time.Now()))
			if err != nil {
				errs = append(errs, fmt.Errorf("container %.12s: %w", c.ID, err))
			}
			return nil
		})
	}
	_ = group.Wait() // no call returns an error
	total.Unseen = errors.Join(errs...)
	return total, nil
}

func (o *Others) add(memory int64, sandbox bool) {
	if sandbox {
		o.Sandboxes += memory
		return
	}
	o.Rest += memory
}

// farthestDeadline is far longer than any build takes.
const farthestDeadline = 24 * time.Hour

// isSandbox reports whether a running container is the sandbox that its label says it is. Anybody
// who shares the engine can set the label, and a container that is no sandbox must not hold builds
// back for ever. A real sandbox has a deadline soon after its start.
func isSandbox(c container.Summary, now time.Time) bool {
	deadline, err := time.Parse(time.RFC3339, c.Labels[LabelDeadline])
	return c.Labels[LabelInstance] != "" && err == nil &&
		now.Sub(deadline) <= sweepGrace && deadline.Sub(time.Unix(c.Created, 0)) <= farthestDeadline
}

// memoryOf is a container's memory limit, or its use where it has no limit. It is never more than
// the engine's memory.
func (e *Engine) memoryOf(ctx context.Context, id string) (int64, error) {
	full, err := e.cli.ContainerInspect(ctx, id)
	switch {
	case errdefs.IsNotFound(err): // it has ended meanwhile
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("look at a container's limit of memory: %w", err)
	case full.ContainerJSONBase != nil && full.HostConfig != nil && full.HostConfig.Memory > 0:
		return min(full.HostConfig.Memory, e.info.Memory), nil
	}
	answer, err := e.cli.ContainerStatsOneShot(ctx, id)
	if errdefs.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look at a container's use of memory: %w", err)
	}
	defer answer.Body.Close()
	var stats container.StatsResponse
	if err := json.NewDecoder(answer.Body).Decode(&stats); err != nil {
		return 0, fmt.Errorf("read a container's use of memory: %w", err)
	}
	return min(inUse(stats.MemoryStats), e.info.Memory), nil
}

// inUse leaves out what the kernel gives back at once, as `docker stats` does: cached files that
// nothing has used for a while. Their name differs between versions 1 and 2 of cgroups.
func inUse(m container.MemoryStats) int64 {
	idle := m.Stats["inactive_file"]
	if n, ok := m.Stats["total_inactive_file"]; ok {
		idle = n
	}
	return int64(m.Usage - min(idle, m.Usage))
}
