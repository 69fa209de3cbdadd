// Package sandbox runs commands in throw-away containers that have no network, no
// mounts and one door: their own stdio.
package sandbox

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// STUB: contract only; the owner of this package replaces the bodies and may split the file.

// ErrNoImage is returned by Start when the engine does not have the image.
var ErrNoImage = errors.New("no such image")

// Engine is a Docker Engine to run sandboxes on.
type Engine struct{}

// Info is what the engine says of itself.
type Info struct {
	Version       string
	APIVersion    string
	OS, Arch      string // Arch in Go's words: amd64, arm64
	CPUs          int
	Memory        int64 // bytes
	CgroupVersion string
	Storage       string
	Runtimes      []string
	Security      []string
}

// Connect finds the engine by the environment (DOCKER_HOST and the like) and asks who it is.
func Connect(ctx context.Context, log *slog.Logger) (*Engine, error) { panic("contract") }

// Info is the engine's answer at Connect.
func (e *Engine) Info() Info { panic("contract") }

// Start makes a sandbox and waits until its PID 1 answers.
func (e *Engine) Start(ctx context.Context, spec Spec) (*Sandbox, error) { panic("contract") }

// Sweep removes this instance's containers that were never started or are past their deadline,
// and reports how many. With all, every container of the instance goes.
func (e *Engine) Sweep(ctx context.Context, instance string, all bool) (int, error) {
	panic("contract")
}

// Close releases the connection.
func (e *Engine) Close() error { panic("contract") }

// Sandbox is one running container. Its methods are not for concurrent use, except
// Offer and Close.
type Sandbox struct{}

// LostError says that PID 1 ended while it was still needed, and what the engine knows of it.
type LostError struct {
	ExitCode  int
	OOMKilled bool
	Deadline  bool   // PID 1 ended the container itself at its deadline
	Stderr    string // PID 1's last words, bounded
}

func (e *LostError) Error() string { panic("contract") }

// Run runs one command and passes its output on. Strays are killed before it returns.
// Cancelling ctx kills the command and returns the context's cause.
func (s *Sandbox) Run(ctx context.Context, c Command, out Output) (Result, error) { panic("contract") }

// Service is something the server answers inside the sandbox.
type Service struct {
	URL string // http://127.0.0.1:PORT, without a slash at the end
}

// Close ends it: its port is closed and its connections are cut before Close returns.
func (s *Service) Close() error { panic("contract") }

// Offer serves h inside the sandbox until the service or the sandbox is closed.
func (s *Sandbox) Offer(ctx context.Context, name string, h http.Handler) (*Service, error) {
	panic("contract")
}

// PutArchive unpacks a tar into dir, inside which everything of it must lie.
func (s *Sandbox) PutArchive(ctx context.Context, dir string, tar io.Reader) error { panic("contract") }

// Archive packs paths (relative to dir) into a tar. It is hostile input.
func (s *Sandbox) Archive(ctx context.Context, dir string, paths ...string) (io.ReadCloser, error) {
	panic("contract")
}

// SurveyQuery bounds a look at a directory tree.
type SurveyQuery struct {
	Dir      string
	MaxFiles int
	// Read names base-name patterns (path.Match) of files whose contents are wanted,
	// when not larger than MaxBytes each; at most MaxTotal bytes altogether.
	Read     []string
	MaxBytes int64
	MaxTotal int64
}

// File is one entry of a tree. Path is relative, with slashes.
type File struct {
	Path string
	Size int64
	Dir  bool
	Link string // target, for a symbolic link; links are never followed
}

// Survey is what stands in a directory tree. It is hostile input, bounded.
type Survey struct {
	Files     []File // sorted by path, .git left out
	Truncated bool   // there are more than MaxFiles
	Contents  map[string][]byte
}

// Survey looks at a tree without running anything from it.
func (s *Sandbox) Survey(ctx context.Context, q SurveyQuery) (Survey, error) { panic("contract") }

// Lower reduces limits of the running container by one update: memory, CPUs, pids.
func (s *Sandbox) Lower(ctx context.Context, l Limits) error { panic("contract") }

// Extend moves PID 1's deadline (a warm sandbox gets its build's).
func (s *Sandbox) Extend(ctx context.Context, deadline time.Time) error { panic("contract") }

// Close ends the session, upon which the container and everything in it goes, and
// waits for that. It may be called twice.
func (s *Sandbox) Close() error { panic("contract") }
