// Package images makes and keeps the runner images from which sandboxes start.
//
// A runner image is a base (pulled from a registry, bootstrapped from a Debian mirror, or imported)
// with two thin layers of Vivarium's on it: the tools (tools.sh says which), then vivarium-init.
// The engine holds all three under the same NAME, as vivarium/base:NAME, vivarium/tools:NAME and
// vivarium/runner:NAME. So a new vivarium-init needs only the last layer again, and a new tools.sh
// needs no new base.
package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/docker/docker/client"
)

// Default is the runner image of a build that asks for none.
const Default = "python-3.11"

// ErrNotFound means that the engine holds no runner image of that name.
var ErrNotFound = errors.New("no such runner image")

// Image is a runner image.
type Image struct {
	Name    string // such as python-3.11
	ID      string // the engine's
	Python  string // the interpreter's version, such as 3.11.2
	Flavour string // full, or slim: without what people's tests take for granted
	Base    string // what it is based on: a reference with digest, "debian:bookworm (mmdebstrap)" or "import"
	Init    string // SHA-256 of the vivarium-init in it
	Arch    string
	Size    int64 // bytes
	Created time.Time
}

// Options for Open.
type Options struct {
	// InitDir holds vivarium-init-linux-ARCH files to use instead of the embedded ones. Empty:
	// embedded.
	InitDir string
	// IndexURL is the package index from which flake8 comes when a base lacks it. Empty: pip's
	// default.
	IndexURL string
	// Runners is the engine's repository for runner images. Empty: vivarium/runner. Tests use
	// another one, and share the layers below with it.
	Runners string
	Log     *slog.Logger
}

// Manager makes, lists and removes runner images on one engine. Its methods may be called
// concurrently, also by several processes. An image has no name until it is complete, so the last
// one made wins, and none is broken.
type Manager struct {
	cli      *client.Client
	log      *slog.Logger
	arch     string // the engine's, in Go's words
	init     initBinary
	indexURL string
	runners  string
	// firstAnswer is how long a registry may take for its first word.
	firstAnswer time.Duration

	// making has room for one token. It is full while something in this process makes or replaces
	// images.
	making chan struct{}
}

// Open connects to the engine that the environment names.
func Open(ctx context.Context, o Options) (*Manager, error) {
	cli, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, fmt.Errorf("set up Docker client: %w", err)
	}
	v, err := cli.ServerVersion(ctx)
	if err != nil {
		cli.Close()
		return nil, fmt.Errorf("ask Docker engine for its version (is it running, and may you use it?): %w", err)
	}
	m := &Manager{
		cli:      cli,
		log:      o.Log,
		arch:     v.Arch,
		init:     initBinary{dir: o.InitDir, arch: v.Arch},
		indexURL: o.IndexURL,
		runners:  o.Runners,
		making:   make(chan struct{}, 1),

		firstAnswer: firstAnswer,
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if m.runners == "" {
		m.runners = runnerRepo
	}
	return m, nil
}

// Close ends the connection to the engine.
func (m *Manager) Close() error { return m.cli.Close() }

// lockImages waits until nothing else in this process makes images.
func (m *Manager) lockImages(ctx context.Context) (release func(), err error) {
	select {
	case m.making <- struct{}{}:
		return func() { <-m.making }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// told returns a writer that also accepts writes when nobody listens.
func told(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
