package egress

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"sync"

	"vivarium/sandbox/egress/simpleindex"
)

// errTooLarge means that upstream's answer, a page or anything else, is over its limit.
var errTooLarge = simpleindex.ErrTooLarge

// ErrTooLarge is that error for who bounds what a host sends (GitConfig.Bound).
var ErrTooLarge = errTooLarge

// upstreamError means that a read from upstream failed, and not a write to the client.
type upstreamError struct{ err error }

func (e *upstreamError) Error() string { return e.err.Error() }
func (e *upstreamError) Unwrap() error { return e.err }

// clientBody marks the errors of a client's request body, so that they are not taken
// for the host's.
type clientBody struct{ r io.Reader }

func (b *clientBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		err = &clientError{err}
	}
	return n, err
}

type clientError struct{ err error }

func (e *clientError) Error() string { return e.err.Error() }
func (e *clientError) Unwrap() error { return e.err }

var buffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// stream copies r to the client, each piece as soon as it is there, up to limit bytes.
func stream(w http.ResponseWriter, r io.Reader, limit int64) (int64, error) {
	bp := buffers.Get().(*[]byte)
	defer buffers.Put(bp)
	flush := http.NewResponseController(w).Flush
	var total int64
	for {
		n, err := r.Read(*bp)
		if total += int64(n); total > limit {
			return total, errTooLarge
		}
		if n > 0 {
			if _, err := w.Write((*bp)[:n]); err != nil {
				return total, err
			}
			if err := flush(); err != nil {
				return total, err
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, &upstreamError{err}
		}
	}
}

// plain removes from an error what a build's log should not name: the operator's name server, and
// folders of the host.
func plain(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return fmt.Errorf("look up %s: %s", dns.Name, dns.Err)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}

// isCertificate reports whether a TLS handshake failed over the certificate, which does not pass by
// itself.
func isCertificate(err error) bool {
	var e *tls.CertificateVerificationError
	return errors.As(err, &e)
}
