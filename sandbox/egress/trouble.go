package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"

	"vivarium/sandbox/egress/watchdog"
)

// isTrouble reports whether a status means trouble of the host's own, which may pass, and no fault
// of the client.
func isTrouble(status int) bool {
	return status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
}

// silence says that a host does not answer, in words that follow the host's name.
func silence(err error) string {
	if isCertificate(err) {
		return "has no certificate that is trusted: " + brief(err)
	}
	return "does not answer: " + brief(err)
}

// brief is a network error in few words. It leaves out addresses, which may come from the
// operator's name server, and URLs, which may hold a password.
func brief(err error) string {
	var errno syscall.Errno
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var stalled *watchdog.StalledError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &stalled):
		return stalled.Error()
	case errors.As(err, &dns):
		return oneLine("look up " + dns.Name + ": " + dns.Err)
	case errors.As(err, &cert):
		return oneLine(cert.Err.Error())
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timed out"
	case errors.As(err, &errno):
		return errno.Error()
	}
	var op *net.OpError
	var fetch *fetchError
	switch {
	case errors.As(err, &op):
		err = op.Err
	case errors.As(err, &fetch):
		err = fetch.err
	}
	return oneLine(err.Error())
}

// fetchError means that no answer came from a host, or only a part of one.
type fetchError struct {
	host   string
	broken bool // in the middle of its answer
	err    error
}

func (e *fetchError) Error() string { return "cannot fetch from " + e.host + ": " + e.err.Error() }
func (e *fetchError) Unwrap() error { return e.err }

// hostReader adds to an error the host whose answer broke off.
type hostReader struct {
	r    io.Reader
	host string
}

func (h *hostReader) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if err != nil && err != io.EOF {
		err = &fetchError{host: h.host, broken: true, err: err}
	}
	return n, err
}

// pageError means that a page could not be used.
type pageError struct {
	host string
	err  error
}

func (e *pageError) Error() string { return e.err.Error() }
func (e *pageError) Unwrap() error { return e.err }

// hashError means that a file has not the hash that the index tells.
type hashError struct{ name, host string }

func (e *hashError) Error() string { return e.name + " from " + e.host + ": " + errWrongHash.Error() }
func (e *hashError) Unwrap() error { return errWrongHash }
