package sandbox

import (
	"context"
	"strconv"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
)

// followPause is the pause between a wait that broke and the next one.
const followPause = time.Second

// follow waits for the container's end, or until ctx ends; the first wait is made by the caller.
// The engine sends nothing while the container runs, and a proxy in front of the engine may cut an
// idle connection. So a wait that breaks says nothing about the container, and the engine is asked
// again as long as it answers.
func (s *Sandbox) follow(ctx context.Context, results <-chan container.WaitResponse, failures <-chan error) {
	for {
		select {
		case r := <-results:
			s.end(int(r.StatusCode))
			return
		case <-failures:
		}
		s.adrift.Store(true)
		s.broke.Store(time.Now().UnixNano())
		select {
		case <-time.After(followPause):
		case <-ctx.Done():
		}
		results, failures = s.engine.cli.ContainerWait(ctx, s.id, container.WaitConditionRemoved)
		select {
		case err := <-failures:
			s.giveUp(ctx, err)
			return
		default:
			s.adrift.Store(false)
		}
	}
}

// giveUp is called when the engine does not wait any more. A container that is gone may have ended
// regularly, so its end is looked up.
func (s *Sandbox) giveUp(ctx context.Context, err error) {
	if errdefs.IsNotFound(err) {
		if code, known := s.endOf(ctx); known {
			s.end(code)
			return
		}
	}
	close(s.cut)
}

func (s *Sandbox) end(code int) {
	s.exitCode = code
	close(s.gone)
}

// endOf is the exit code that the engine remembers. An engine that was restarted remembers nothing.
func (s *Sandbox) endOf(ctx context.Context) (code int, known bool) {
	ctx, cancel := context.WithTimeout(ctx, lostTimeout)
	defer cancel()
	s.history(ctx, func(m events.Message) (last bool) {
		if m.Action == events.ActionDie {
			n, err := strconv.Atoi(m.Actor.Attributes["exitCode"])
			code, known = n, err == nil
		}
		return known
	})
	return code, known
}

// history calls each with the container's events, past ones first, oldest to newest, then new ones,
// until each reports that it needs no more.
func (s *Sandbox) history(ctx context.Context, each func(events.Message) (last bool)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	messages, failed := s.engine.cli.Events(ctx, events.ListOptions{
		Since: "1", // all that the engine remembers: its clock may differ from ours
		Filters: filters.NewArgs(filters.Arg("type", string(events.ContainerEventType)),
			filters.Arg("container", s.id)),
	})
	for {
		select {
		case m := <-messages:
			if each(m) {
				return
			}
		case <-failed:
			return
		}
	}
}
