package images

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/containerd/errdefs"
)

// Resolve finds an image by name and makes sure that it holds this binary's own vivarium-init. If
// it holds another one, Resolve makes the last layer anew, which needs no network.
func (m *Manager) Resolve(ctx context.Context, name string) (Image, error) {
	if err := checkName(name); err != nil {
		return Image{}, err
	}
	img, err := m.current(ctx, name)
	if !errors.Is(err, errStale) {
		return img, err
	}
	release, err := m.lockImages(ctx)
	if err != nil {
		return Image{}, err
	}
	defer release()
	return m.refresh(ctx, name, io.Discard)
}

// Ensure does what Resolve does, and also builds the image when there is none or its tools are
// those of another version. It reports each step to progress.
func (m *Manager) Ensure(ctx context.Context, name string, progress io.Writer) (Image, error) {
	if err := checkName(name); err != nil {
		return Image{}, err
	}
	progress = told(progress)
	release, err := m.lockImages(ctx)
	if err != nil {
		return Image{}, err
	}
	defer release()
	tools, err := m.cli.ImageInspect(ctx, toolsRepo+":"+name)
	switch {
	case errdefs.IsNotFound(err):
		fmt.Fprintf(progress, "There is no runner image %s yet; making it\n", name)
		return m.build(ctx, name, "", false, progress)
	case err != nil:
		return Image{}, fmt.Errorf("inspect image %s:%s: %w", toolsRepo, name, err)
	case tools.Config == nil:
		return m.renewTools(ctx, name, nil, progress)
	case tools.Config.Labels[labelTools] != toolsSum:
		return m.renewTools(ctx, name, tools.Config.Labels, progress)
	}
	return m.refresh(ctx, name, progress)
}

// renewTools makes both layers anew on the base that the image has, or on a new base when that one
// is gone. labels are those of its tools layer.
func (m *Manager) renewTools(
	ctx context.Context, name string, labels map[string]string, progress io.Writer,
) (Image, error) {
	slim := labels[labelFlavour] == slimOnly
	found, err := m.cli.ImageInspect(ctx, baseRepo+":"+name)
	if errdefs.IsNotFound(err) {
		fmt.Fprintf(progress, "The tools in runner image %s are another version's and its "+
			"base is gone; making it anew\n", name)
		return m.build(ctx, name, "", slim, progress)
	}
	if err != nil {
		return Image{}, fmt.Errorf("inspect image %s:%s: %w", baseRepo, name, err)
	}
	fmt.Fprintf(progress, "The tools in runner image %s are another version's; adding ours to its base\n", name)
	b := base{id: found.ID, desc: cmp.Or(labels[labelBase], found.ID)}
	img, err := m.addLayers(ctx, name, b, slim, progress)
	if err == nil || slim || labels[labelFlavour] != "" || ctx.Err() != nil {
		return img, err
	}
	// An older version's image is smaller. What it lacks needs a network, which an upgrade did not.
	m.log.Warn("the runner image stays without what `vivarium images build` adds", "image", name, "err", err)
	fmt.Fprintf(progress, "Runner image %s stays slim: %v\n", name, err)
	return m.addLayers(ctx, name, b, true, progress)
}

// errStale means that a runner image holds another vivarium-init, or that only its lower layers
// exist.
var errStale = errors.New("runner image holds another vivarium-init")

// current returns the image if it is up to date.
func (m *Manager) current(ctx context.Context, name string) (Image, error) {
	_, sum, err := m.init.read()
	if err != nil {
		return Image{}, err
	}
	img, err := m.inspect(ctx, name)
	switch {
	case errors.Is(err, ErrNotFound):
		if _, err := m.cli.ImageInspect(ctx, toolsRepo+":"+name); errdefs.IsNotFound(err) {
			return Image{}, notFound(name)
		}
		return Image{}, errStale
	case err != nil:
		return Image{}, err
	case img.Init != sum:
		return Image{}, errStale
	}
	return img, nil
}

// Stale reports whether an image holds another vivarium-init than this binary's own, and so must be
// resolved before it is used.
func (m *Manager) Stale(img Image) (bool, error) {
	_, sum, err := m.init.read()
	return img.Init != sum, err
}

// refresh makes the last layer anew unless somebody has done so meanwhile.
func (m *Manager) refresh(ctx context.Context, name string, progress io.Writer) (Image, error) {
	img, err := m.current(ctx, name)
	if !errors.Is(err, errStale) {
		return img, err
	}
	tools, err := m.cli.ImageInspect(ctx, toolsRepo+":"+name)
	if errdefs.IsNotFound(err) {
		return Image{}, fmt.Errorf("runner image %s holds another vivarium-init and its lower layers are gone: make "+
			"it anew with `vivarium images build %s`", name, name)
	}
	if err != nil {
		return Image{}, fmt.Errorf("inspect image %s:%s: %w", toolsRepo, name, err)
	}
	m.log.Info("adding this version's vivarium-init to runner image", "image", name)
	return m.addInit(ctx, name, tools.ID, progress)
}

func notFound(name string) error {
	return fmt.Errorf("%w: %s; make it with `vivarium images build %s`", ErrNotFound, name, name)
}
