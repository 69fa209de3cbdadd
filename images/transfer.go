package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/containerd/errdefs"
)

// Export writes an image as a tar that Import accepts: the runner image, and the lower layers under
// their own names. These cost nothing, since the image contains them anyway.
func (m *Manager) Export(ctx context.Context, name string, w io.Writer) error {
	img, err := m.Resolve(ctx, name)
	if err != nil {
		return err
	}
	refs := []string{m.runners + ":" + img.Name}
	for _, repo := range []string{toolsRepo, baseRepo} {
		_, err := m.cli.ImageInspect(ctx, repo+":"+name)
		if err == nil {
			refs = append(refs, repo+":"+name)
		} else if !errdefs.IsNotFound(err) {
			return fmt.Errorf("inspect image %s:%s: %w", repo, name, err)
		}
	}
	tar, err := m.cli.ImageSave(ctx, refs)
	if err != nil {
		return fmt.Errorf("export runner image %s: %w", name, err)
	}
	defer tar.Close()
	if _, err := io.Copy(w, tar); err != nil {
		return fmt.Errorf("export runner image %s: %w", name, err)
	}
	return nil
}

// Import takes what Export wrote, or a root file system as a tar (plain, gzip or zstd), and returns
// which of the two it was. Only a root file system needs name; an exported image has its own.
func (m *Manager) Import(ctx context.Context, name string, r io.Reader, progress io.Writer) (Image, Kind, error) {
	progress = told(progress)
	release, err := m.lockImages(ctx)
	if err != nil {
		return Image{}, "", err
	}
	defer release()
	kind, tar, err := openArchive(r)
	if err != nil {
		return Image{}, "", err
	}
	defer tar.Close()
	fmt.Fprintf(progress, "Importing: this is an archive of the kind %q\n", kind)
	var img Image
	if kind == KindExport {
		img, err = m.load(ctx, tar, progress)
	} else {
		img, err = m.importBase(ctx, name, tar, progress)
	}
	return img, kind, err
}

func (m *Manager) importBase(ctx context.Context, name string, tar io.Reader, progress io.Writer) (Image, error) {
	if name == "" {
		return Image{}, errors.New("a root file system needs a name for its runner image, such as " + Default)
	}
	if err := checkName(name); err != nil {
		return Image{}, err
	}
	if _, _, err := m.init.read(); err != nil {
		return Image{}, err
	}
	id, err := m.importRootFS(ctx, tar, "import")
	if err != nil {
		return Image{}, err
	}
	// It holds what its maker has put in; where it is imported there may be no network.
	return m.addLayers(ctx, name, base{id: id, desc: "import"}, true, progress)
}

// load loads the archive into the engine and checks the result. An engine moves names to the images
// that it loads, so load restores the names when the archive is not accepted.
func (m *Manager) load(ctx context.Context, tar io.Reader, progress io.Writer) (Image, error) {
	before, err := m.names(ctx)
	if err != nil {
		return Image{}, err
	}
	var name string
	loaded, err := m.loadArchive(ctx, tar)
	if err != nil { // of several images, those before the faulty one are loaded
		err = fmt.Errorf("load exported runner image: %w", err)
	} else {
		name, err = m.accept(ctx, loaded)
	}
	if err != nil {
		return Image{}, errors.Join(err, m.putBack(context.WithoutCancel(ctx), loaded, before))
	}
	return m.refresh(ctx, name, progress)
}

// loadArchive returns the references that the engine says it loaded.
func (m *Manager) loadArchive(ctx context.Context, tar io.Reader) ([]string, error) {
	answer, err := m.cli.ImageLoad(ctx, tar)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var loaded []string
	err = messages(answer.Body, func(msg message) {
		for line := range strings.Lines(msg.Stream) {
			for _, prefix := range []string{"Loaded image: ", "Loaded image ID: "} {
				if ref, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok {
					loaded = append(loaded, ref)
				}
			}
		}
	})
	return loaded, err
}

// accept finds the runner image among what was loaded, and checks that this engine can run it.
func (m *Manager) accept(ctx context.Context, loaded []string) (name string, err error) {
	for _, ref := range loaded {
		n, ours := strings.CutPrefix(ref, m.runners+":")
		if !ours {
			continue
		}
		img, err := m.inspect(ctx, n)
		if err != nil {
			return "", err
		}
		if img.Arch != m.arch {
			return "", fmt.Errorf("the archive holds runner image %s for %s, this engine runs %s: export "+
				"it on a machine of that kind", n, img.Arch, m.arch)
		}
		if img.Init == "" {
			return "", fmt.Errorf("%s in the archive is not a runner image: it was not made by vivarium", ref)
		}
		name = n
	}
	if name == "" {
		return "", fmt.Errorf("the archive holds no runner image, but %s: load it with `docker load` and make a "+
			"runner image of it with `vivarium images build NAME --from REFERENCE`",
			strings.Join(loaded, ", "))
	}
	return name, nil
}
