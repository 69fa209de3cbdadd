package https

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"vivarium/server/loop"
)

// pairInterval is how often the files are checked. A change is used once it has lasted from one
// check to the next: the two files are not written in the same moment.
const pairInterval = time.Second

// pair is a certificate and its key in files.
type pair struct {
	certFile, keyFile string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate]

	// Used only by keep.
	read, seen [2]os.FileInfo
}

func openPair(certFile, keyFile string, log *slog.Logger) (*Certificates, error) {
	p := &pair{certFile: certFile, keyFile: keyFile, log: log}
	var err error
	if p.read, err = p.stat(); err == nil {
		err = p.load()
	}
	if err != nil {
		return nil, fmt.Errorf("%w (see VIVARIUM_TLS_CERT and VIVARIUM_TLS_KEY)", err)
	}
	p.seen = p.read
	return &Certificates{
		config: &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return p.current.Load(), nil
		}},
		keep: p.keep,
	}, nil
}

func (p *pair) keep(ctx context.Context) {
	loop.Every(ctx, pairInterval, func() { p.look(ctx) })
}

// look reads the pair when it has changed. An unusable pair is reported once, and the one before it
// stays.
func (p *pair) look(ctx context.Context) {
	now, err := p.stat()
	settled := err == nil && same(now, p.seen)
	p.seen = now
	if !settled || same(now, p.read) {
		return
	}
	p.read = now
	if err := p.load(); err != nil {
		p.log.ErrorContext(ctx, "the new TLS certificate cannot be used; the old one stays in use", "err", err)
		return
	}
	p.log.InfoContext(ctx, "new TLS certificate in use", "until", p.current.Load().Leaf.NotAfter)
}

// stat gives what tells one state of the two files from another.
func (p *pair) stat() (now [2]os.FileInfo, err error) {
	for i, name := range []string{p.certFile, p.keyFile} {
		if now[i], err = os.Stat(name); err != nil {
			return [2]os.FileInfo{}, fmt.Errorf("read the TLS certificate: %w", err)
		}
	}
	return now, nil
}

func same(a, b [2]os.FileInfo) bool {
	for i := range a {
		if a[i] == nil || b[i] == nil || !os.SameFile(a[i], b[i]) || !a[i].ModTime().Equal(b[i].ModTime()) ||
			a[i].Size() != b[i].Size() {
			return false
		}
	}
	return true
}

func (p *pair) load() error {
	c, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return fmt.Errorf("use the TLS certificate in %s with the key in %s: %w", p.certFile, p.keyFile, err)
	}
	if time.Now().After(c.Leaf.NotAfter) {
		p.log.Warn("the TLS certificate has expired; clients refuse it", "file", p.certFile, "until", c.Leaf.NotAfter)
	}
	p.current.Store(&c)
	return nil
}
