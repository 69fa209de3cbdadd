// Package images makes and keeps the runner images that sandboxes start from.
package images

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"
)

// STUB: contract only; the owner of this package replaces the bodies and splits the file.

// Default is the runner image of a build that asks for none.
const Default = "python-3.11"

// ErrNotFound means that the engine holds no runner image of that name.
var ErrNotFound = errors.New("no such runner image")

// Image is a runner image.
type Image struct {
	Name    string // such as python-3.11
	ID      string // the engine's
	Python  string // the interpreter's version, such as 3.11.2
	Base    string // what it stands on: a reference with digest, "debian:bookworm (mmdebstrap)" or "import"
	Init    string // SHA-256 of the vivarium-init in it
	Arch    string
	Size    int64 // bytes
	Created time.Time
}

// Options for Open.
type Options struct {
	// InitDir holds vivarium-init-linux-ARCH files to use instead of those embedded. Empty: embedded.
	InitDir string
	Log     *slog.Logger
}

// Manager makes, lists and removes runner images on one engine.
type Manager struct{}

// Open connects to the engine by the environment.
func Open(ctx context.Context, o Options) (*Manager, error) { panic("contract") }
func (m *Manager) Close() error                             { panic("contract") }

// Resolve finds an image by name and makes sure that it holds this binary's own
// vivarium-init; where it holds another, its last layer is made anew, which needs no network.
func (m *Manager) Resolve(ctx context.Context, name string) (Image, error) { panic("contract") }

// Ensure is Resolve, and builds the image when there is none; each step is told to progress.
func (m *Manager) Ensure(ctx context.Context, name string, progress io.Writer) (Image, error) {
	panic("contract")
}

// BuildOptions for Build.
type BuildOptions struct {
	From     string // base: a registry reference, "debian" for a bootstrap, empty to try both
	Progress io.Writer
}

// Build makes an image anew from its base.
func (m *Manager) Build(ctx context.Context, name string, o BuildOptions) (Image, error) {
	panic("contract")
}

// List gives all runner images, by name.
func (m *Manager) List(ctx context.Context) ([]Image, error) { panic("contract") }

// Kind says what an imported file was.
type Kind string

const (
	KindExport Kind = "exported runner image"
	KindRootFS Kind = "root file system"
)

// Import takes what Export wrote, or a root file system as a tar (plain, gzip or zstd), and says which it saw.
// name is needed for a root file system only.
func (m *Manager) Import(ctx context.Context, name string, r io.Reader, progress io.Writer) (Image, Kind, error) {
	panic("contract")
}

// Export writes an image as a tar that Import takes.
func (m *Manager) Export(ctx context.Context, name string, w io.Writer) error { panic("contract") }

// Remove deletes an image; one that is not there is no error but ErrNotFound.
func (m *Manager) Remove(ctx context.Context, name string) error { panic("contract") }
