package sandbox

import (
	"context"

	"github.com/docker/docker/api/types/container"
)

// PostureWith is Posture of a sandbox that an engine has made otherwise than it was told.
func (e *Engine) PostureWith(ctx context.Context, spec Spec, change func(*container.Config, *container.HostConfig)) (Posture, error) {
	return e.posture(ctx, spec, func(spec Spec, info Info) (container.Config, container.HostConfig) {
		config, host := Settings(spec, info)
		change(&config, &host)
		return config, host
	})
}

// Inside is what the script that looks around prints in a sandbox.
func (s *Sandbox) Inside(ctx context.Context) ([]byte, error) {
	return s.inside(ctx, []target{{"192.0.2.1", "80"}})
}
