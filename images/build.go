package images

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// BuildOptions for Build.
type BuildOptions struct {
	From     string // base: a registry reference or a local image's ID, "debian" for a bootstrap, empty to try both
	Slim     bool   // without what people's tests take for granted: see commonPackages
	Progress io.Writer
}

// fromDebian is the value of From that asks for a bootstrap.
const fromDebian = "debian"

// Build makes an image anew from its base.
func (m *Manager) Build(ctx context.Context, name string, o BuildOptions) (Image, error) {
	if err := checkName(name); err != nil {
		return Image{}, err
	}
	release, err := m.lockImages(ctx)
	if err != nil {
		return Image{}, err
	}
	defer release()
	return m.build(ctx, name, o.From, o.Slim, told(o.Progress))
}

func (m *Manager) build(
	ctx context.Context, name, from string, slim bool, progress io.Writer,
) (Image, error) {
	// A missing init shows before the minutes that a base may take, not after them.
	if _, _, err := m.init.read(); err != nil {
		return Image{}, err
	}
	b, err := m.findBase(ctx, name, from, slim, progress)
	if err != nil {
		return Image{}, err
	}
	return m.addLayers(ctx, name, b, slim, progress)
}

// base is the image on which the two layers are put.
type base struct {
	id   string // the engine's
	desc string // for people, and Image.Base
}

// findBase gets the base that was asked for, or the one that the name implies.
func (m *Manager) findBase(
	ctx context.Context, name, from string, slim bool, progress io.Writer,
) (base, error) {
	switch from {
	case fromDebian:
		return m.bootstrap(ctx, name, slim, progress)
	case "":
	default:
		return m.pull(ctx, from, progress)
	}
	version := pythonOf(name)
	if version == "" {
		return base{}, fmt.Errorf("the name %s stands for no base: say which with `vivarium "+
			"images build %s --from REFERENCE`", name, name)
	}
	b, pullErr := m.pull(ctx, "docker.io/library/python:"+version+"-slim-bookworm", progress)
	if pullErr == nil || ctx.Err() != nil {
		return b, pullErr
	}
	fmt.Fprintf(progress, "No base from a registry: %v\n", pullErr)
	b, err := m.bootstrap(ctx, name, slim, progress)
	if err != nil {
		return base{}, fmt.Errorf("no base for runner image %s:\n%w\n"+
			"On a machine that has the image, run `vivarium images export %s >image.tar`; here, "+
			"`vivarium images import image.tar`",
			name, errors.Join(pullErr, err), name)
	}
	return b, nil
}

// addLayers puts both layers on a base and names all three images.
func (m *Manager) addLayers(
	ctx context.Context, name string, b base, slim bool, progress io.Writer,
) (Image, error) {
	if err := m.checkBase(ctx, b); err != nil {
		m.discard(ctx, b.id)
		return Image{}, err
	}
	tools, err := m.toolsLayer(ctx, name, b, slim, progress)
	if err != nil {
		m.discard(ctx, b.id)
		return Image{}, err
	}
	if err := m.tag(ctx, b.id, baseRepo, name); err != nil {
		return Image{}, err
	}
	if err := m.tag(ctx, tools, toolsRepo, name); err != nil {
		return Image{}, err
	}
	return m.addInit(ctx, name, tools, progress)
}

// checkBase refuses settings of a base that an image cannot get rid of: a commit adds to the base's
// settings and removes none.
func (m *Manager) checkBase(ctx context.Context, b base) error {
	found, err := m.cli.ImageInspect(ctx, b.id)
	if err != nil {
		return fmt.Errorf("inspect base %s: %w", b.desc, err)
	}
	if found.Os != "linux" || found.Architecture != m.arch {
		return fmt.Errorf("base %s is for %s/%s, the engine runs linux/%s", b.desc, found.Os, found.Architecture,
			m.arch)
	}
	if found.Config != nil && len(found.Config.Volumes) > 0 {
		return fmt.Errorf("base %s declares volumes, which a sandbox must not have: choose another base", b.desc)
	}
	return nil
}

// addInit puts the last layer on a tools layer and names the result.
func (m *Manager) addInit(ctx context.Context, name, toolsID string, progress io.Writer) (Image, error) {
	fmt.Fprintln(progress, "Adding vivarium-init")
	id, err := m.initLayer(ctx, toolsID)
	if err != nil {
		return Image{}, err
	}
	if err := m.tag(ctx, id, m.runners, name); err != nil {
		return Image{}, err
	}
	m.sweep(ctx)
	return m.inspect(ctx, name)
}

func (m *Manager) tag(ctx context.Context, id, repo, name string) error {
	if err := m.cli.ImageTag(ctx, id, repo+":"+name); err != nil {
		return fmt.Errorf("name image %s:%s: %w", repo, name, err)
	}
	return nil
}
