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

// ErrCut says that the engine has cut its connections to a sandbox, as an engine does that stops.
// No build can cause that.
var ErrCut = errors.New("the engine cut its connections to the sandbox")

// ErrUnexplained says that the connection to a sandbox broke and that the engine does not say why.
// The cause may be a build that overloads the engine.
var ErrUnexplained = errors.New("the connection to the sandbox broke, and the engine does not say why")

// IsTrouble reports whether err is the engine's own trouble, which may pass: the engine cannot be
// reached, has cut a connection, or says that it failed (5xx). A refusal (4xx) is none: the engine
// would refuse again.
func IsTrouble(err error) bool {
	return errors.Is(err, ErrCut) || IsSilent(err) ||
		slices.ContainsFunc(failures, func(code int) bool { return errors.Is(err, errhttp.ToNative(code)) })
}

// failures are the answers by which an engine, or a proxy in front of it, says that it failed.
var failures = []int{
	http.StatusInternalServerError,
	http.StatusBadGateway,
	http.StatusServiceUnavailable,
	http.StatusGatewayTimeout,
}

// IsSilent reports whether err means that the engine did not answer a call.
func IsSilent(err error) bool {
	var network *net.OpError
	return client.IsErrConnectionFailed(err) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// orCut is for the calls that start a sandbox. It marks the errors that only an engine can cause
// which is stopping or has lost the container.
func orCut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errdefs.IsNotFound(err) && strings.Contains(err.Error(), "No such container") {
		return fmt.Errorf("%w: %w", ErrCut, err)
	}
	return err
}

// TroubleWords is err as everybody may read it, for an err of which IsTrouble is true. At most it
// shows the path of the engine's socket.
func TroubleWords(err error) string {
	switch {
	case errors.Is(err, ErrCut):
		return "it cut its connections to the sandbox"
	case IsSilent(err):
		return "it does not answer"
	}
	return err.Error()
}

// pingTimeout is how long the engine may take to answer. Under load an answer took 2 s.
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

// Unclear reports whether nothing tells why the sandbox ended. The engine may have been stopped,
// which kills all containers; or the build may have caused it.
func (e *LostError) Unclear() bool {
	return !e.OOMKilled && !e.Forged && !e.Deadline && e.Stderr == "" && (e.ExitCode == 0 || e.ExitCode == exitKilled)
}
