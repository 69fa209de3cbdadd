package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errhttp"
	"github.com/docker/docker/client"
)

// ErrCut says that the engine has cut its connections to a sandbox, as one does that ends. No build can make it do so.
var ErrCut = errors.New("the engine cut its connections to the sandbox")

// ErrUnexplained says that the connection to a sandbox broke, and that the engine does not say why. A build that wears the
// engine out can be the reason.
var ErrUnexplained = errors.New("the connection to the sandbox broke, and the engine does not say why")

// IsTrouble reports whether err is trouble of the engine's own that may pass: it cannot be reached, cut a connection, or says
// that it failed (5xx). What it refuses (4xx) it will refuse again.
func IsTrouble(err error) bool {
	return errors.Is(err, ErrCut) || IsSilent(err) ||
		slices.ContainsFunc(failures, func(code int) bool { return errors.Is(err, errhttp.ToNative(code)) })
}

// failures are the answers of an engine, or of a proxy before it, that has failed.
var failures = []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}

// IsSilent reports whether err means that the engine has not answered a call.
func IsSilent(err error) bool {
	var network *net.OpError
	return client.IsErrConnectionFailed(err) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// orCut marks the errors of calls by which a sandbox starts that only an engine which ends, or has lost the container, can cause.
func orCut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errdefs.IsNotFound(err) && strings.Contains(err.Error(), "No such container") {
		return fmt.Errorf("%w: %w", ErrCut, err)
	}
	return err
}

// TroubleWords are err for everybody, where IsTrouble says so: what they may hold of an engine that cannot be reached is the path of
// its socket.
func TroubleWords(err error) string {
	switch {
	case errors.Is(err, ErrCut):
		return "it cut its connections to the sandbox"
	case IsSilent(err):
		return "it does not answer"
	}
	return err.Error()
}

// pingTimeout bounds the question whether the engine answers. Under load an answer took 2 s.
const pingTimeout = 5 * time.Second

// Ping asks whether the engine answers, for 5 s at most.
func (e *Engine) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if _, err := e.cli.Ping(ctx); err != nil {
		return fmt.Errorf("ask the engine whether it answers: %w", err)
	}
	return nil
}

// Unclear reports whether nothing tells why the sandbox ended: it may have been an engine that was stopped, which kills what
// runs, and it may have been the build.
func (e *LostError) Unclear() bool {
	return !e.OOMKilled && !e.Forged && !e.Deadline && e.Stderr == "" && (e.ExitCode == 0 || e.ExitCode == exitKilled)
}
