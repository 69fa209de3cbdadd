package images_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"vivarium/images"
	"vivarium/images/imagestest"
	"vivarium/sandbox"
)

// tiny is an image with one file in it.
type tiny struct {
	ref, arch string
	labels    map[string]string
	volume    string
}

// archive returns what `docker save` would, without an engine that can hold the image. more holds
// further entries for its manifest, after the image's own.
func (i tiny) archive(t *testing.T, more ...any) []byte {
	t.Helper()
	layer := packed(t, map[string][]byte{"file": []byte("hello")})
	sum := sha256.Sum256(layer)
	settings := map[string]any{"Labels": i.labels}
	if i.volume != "" {
		settings["Volumes"] = map[string]any{i.volume: struct{}{}}
	}
	config := marshal(t, map[string]any{
		"os": "linux", "architecture": i.arch, "created": "2026-01-02T03:04:05Z", "config": settings,
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(sum[:])}},
	})
	sum = sha256.Sum256(config)
	configName, layerName := hex.EncodeToString(sum[:])+".json", strings.Repeat("0b", 32)+"/layer.tar"
	image := map[string]any{"Config": configName, "RepoTags": []string{i.ref}, "Layers": []string{layerName}}
	return packed(t, map[string][]byte{
		configName: config, layerName: layer,
		"manifest.json": marshal(t, append([]any{image}, more...)),
	})
}

func packed(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		w.Write(files[name])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// load loads a tiny image into the engine, past the manager, and returns its ID.
func (b *bench) load(t *testing.T, i tiny) string {
	t.Helper()
	answer, err := b.cli.ImageLoad(t.Context(), bytes.NewReader(i.archive(t)))
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	id := b.inspect(t, i.ref).ID
	b.willBeReplaced(id)
	return id
}

func (b *bench) arch(t *testing.T) (own, foreign string) {
	t.Helper()
	v, err := b.cli.ServerVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v.Arch == "arm64" {
		return v.Arch, "amd64"
	}
	return v.Arch, "arm64"
}

func TestImportThatIsRefusedLeavesTheNamesAsTheyWere(t *testing.T) {
	b := newEmptyBench(t)
	own, foreign := b.arch(t)
	runner := b.runners + ":" + b.name
	ours := map[string]string{"vivarium.image.init": "0"}
	for name, c := range map[string]struct {
		bad  tiny
		want string
	}{
		"a runner image for another architecture":     {tiny{ref: runner, arch: foreign, labels: ours}, foreign},
		"an image of a runner's name without an init": {tiny{ref: runner, arch: own}, "not made by vivarium"},
		"an image of another name": {
			tiny{ref: b.runners + "-other:1", arch: own},
			"no runner image, but " + b.runners + "-other:1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			archive := c.bad.archive(t)
			refused := func() {
				t.Helper()
				_, kind, err := b.Import(t.Context(), "", bytes.NewReader(archive), nil)
				if kind != images.KindExport || err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("Import() = %q, %v; want %q and an error that says %q", kind, err, images.KindExport,
						c.want)
				}
			}
			good := b.load(t, tiny{ref: c.bad.ref, arch: own, labels: map[string]string{"good": "yes"}})
			refused()
			if got := b.inspect(t, c.bad.ref).ID; got != good {
				t.Errorf("%s names %s afterwards, want %s as before", c.bad.ref, got, good)
			}
			if _, err := b.cli.ImageRemove(t.Context(), c.bad.ref, image.RemoveOptions{
				PruneChildren: true,
			}); err != nil {
				t.Fatal(err)
			}
			refused()
			if _, err := b.cli.ImageInspect(t.Context(), c.bad.ref); err == nil {
				t.Errorf("%s is there after the import, and was not before", c.bad.ref)
			}
		})
	}
}

// An archive that `docker save` made from an image's ID holds no name, and the engine has the image
// already.
func TestImportThatIsRefusedKeepsAnImageThatWasThere(t *testing.T) {
	b := newEmptyBench(t)
	own, _ := b.arch(t)
	ref := b.runners + ":" + b.name
	id := b.load(t, tiny{ref: ref, arch: own, labels: map[string]string{"vivarium.image.init": "0"}})
	archive, err := b.cli.ImageSave(t.Context(), []string{id})
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if _, _, err := b.Import(t.Context(), "", archive, nil); err == nil ||
		!strings.Contains(err.Error(), "no runner image, but "+id) {
		t.Errorf("Import() = %v, want an error that names %s", err, id)
	}
	if got := b.inspect(t, ref).ID; got != id {
		t.Errorf("%s names %s afterwards, want %s as before", ref, got, id)
	}
}

// Of the two images in an archive, the engine loads and names the first before it finds that the
// second is broken.
func TestImportOfABrokenArchiveLeavesTheNamesAsTheyWere(t *testing.T) {
	b := newEmptyBench(t)
	own, _ := b.arch(t)
	ref := b.runners + ":" + b.name
	good := b.load(t, tiny{ref: ref, arch: own, labels: map[string]string{"good": "yes"}})
	broken := tiny{ref: ref, arch: own}.archive(t, map[string]any{"Config": "missing.json", "Layers": []string{}})
	if _, _, err := b.Import(t.Context(), "", bytes.NewReader(broken), nil); err == nil ||
		!strings.Contains(err.Error(), "missing.json") {
		t.Errorf("Import() = %v, want an error that names missing.json", err)
	}
	if got := b.inspect(t, ref).ID; got != good {
		t.Errorf("%s names %s afterwards, want %s as before", ref, got, good)
	}
}

func TestRootFileSystemBecomesARunnerImageAndGetsNewTools(t *testing.T) {
	b := newEmptyBench(t)
	imagestest.Runner(t)
	fs, err := b.cli.ContainerCreate(t.Context(), &container.Config{
		Image: toolsRepo + ":" + images.Default,
	}, nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer b.cli.ContainerRemove(context.WithoutCancel(t.Context()), fs.ID, container.RemoveOptions{Force: true})
	root, err := b.cli.ContainerExport(t.Context(), fs.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	was, kind, err := b.Import(t.Context(), b.name, root, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	b.willBeReplaced(was.ID)
	if kind != images.KindRootFS || was.Base != "import" || !strings.HasPrefix(was.Python, "3.11.") {
		t.Errorf("Import() = %+v, %q; want base import, Python 3.11 and %q", was, kind, images.KindRootFS)
	}
	if got := b.output(t, was.ID, unpackSeed+" && "+sandbox.Env+"/bin/python -c 'import setuptools, "+
		"pip; print(pip.__version__)'"); !strings.Contains(got, ".") {
		t.Errorf("pip's version = %q", got)
	}

	// A newer vivarium has other tools, and puts them on the same base.
	b.load(t, tiny{ref: toolsRepo + ":" + b.name, arch: was.Arch, labels: map[string]string{
		"vivarium.image.tools": "old", "vivarium.image.base": "import",
	}})
	is, err := b.Ensure(t.Context(), b.name, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if is.ID == was.ID || is.Base != "import" {
		t.Errorf("Ensure() after the tools changed = %+v, want another image than %s on the same base", is, was.ID)
	}
	if got, want := b.inspect(t, is.ID).RootFS.Layers[0], b.inspect(t, was.ID).RootFS.Layers[0]; got != want {
		t.Errorf("base layer = %s, want %s", got, want)
	}
}

func TestBaseThatWillNotDoIsRefusedWithTheReason(t *testing.T) {
	b := newEmptyBench(t)
	own, foreign := b.arch(t)
	for name, c := range map[string]struct {
		base tiny
		want string
	}{
		"no shell in it":   {tiny{arch: own}, "/bin/sh"},
		"declares volumes": {tiny{arch: own, volume: "/data"}, "declares volumes"},
		"another architecture": {
			tiny{arch: foreign},
			fmt.Sprintf("is for linux/%s, the engine runs linux/%s", foreign, own),
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.base.ref = b.runners + "-base:" + strings.ReplaceAll(name, " ", "-")
			id := b.load(t, c.base)
			_, err := b.Build(t.Context(), b.name, images.BuildOptions{From: id})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want one that says %q", err, c.want)
			}
			if _, err := b.Resolve(t.Context(), b.name); !errors.Is(err, images.ErrNotFound) {
				t.Errorf("Resolve() afterwards: %v, want %v", err, images.ErrNotFound)
			}
		})
	}
}
