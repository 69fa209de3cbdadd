package sandbox

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types/container"
)

// Inspection is what the engine says of a sandbox, and what it was asked for.
type Inspection struct {
	Spec      Spec     // as Start used it, with the user that it chose
	Warnings  []string // what the engine said, when it made the container, of settings that it left out
	Container container.InspectResponse
	ImageEnv  []string // the environment that the image itself sets
}

// Inspect asks the engine.
func (s *Sandbox) Inspect(ctx context.Context) (Inspection, error) {
	i := Inspection{Spec: s.spec, Warnings: s.warnings}
	var err error
	if i.Container, err = s.engine.cli.ContainerInspect(ctx, s.id); err != nil {
		return Inspection{}, fmt.Errorf("inspect container: %w", err)
	}
	image, err := s.engine.cli.ImageInspect(ctx, i.Container.Image)
	if err != nil {
		return Inspection{}, fmt.Errorf("inspect the container's image: %w", err)
	}
	if image.Config != nil {
		i.ImageEnv = image.Config.Env
	}
	return i, nil
}
