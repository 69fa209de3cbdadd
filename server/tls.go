package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// TLS says how connections are secured: by a certificate in files, by certificates that an ACME
// server issues (RFC 8555), or not at all, which is the zero value.
type TLS struct {
	CertFile, KeyFile string // PEM; the certificate first, then its issuers

	Domains   []string // names to get certificates for; this accepts the ACME server's terms
	CacheDir  string   // of the ACME account and certificates
	Directory string   // URL of the ACME server's directory; empty: Let's Encrypt's
}

// Enabled reports whether the server speaks HTTPS itself.
func (t TLS) Enabled() bool { return t.CertFile != "" || len(t.Domains) > 0 }

// domainName is a name that a certificate can be for, as DNS writes it.
var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$`)

// Check tells the operator which settings do not go together.
func (t TLS) Check() error {
	switch {
	case (t.CertFile == "") != (t.KeyFile == ""):
		return errors.New("VIVARIUM_TLS_CERT and VIVARIUM_TLS_KEY go together: a certificate and its key")
	case t.CertFile != "" && len(t.Domains) > 0:
		return errors.New("VIVARIUM_TLS_CERT and VIVARIUM_TLS_DOMAIN exclude each other: take a certificate of " +
			"your own, or have one issued")
	case t.Directory != "" && len(t.Domains) == 0:
		return errors.New("VIVARIUM_TLS_DIRECTORY goes with VIVARIUM_TLS_DOMAIN, the names to get certificates for")
	}
	for _, d := range t.Domains {
		if len(d) > 253 || !domainName.MatchString(d) {
			return fmt.Errorf("VIVARIUM_TLS_DOMAIN holds %q, which is not a domain name in lower case such as "+
				"ci.example.org", d)
		}
	}
	return nil
}

// String says how the server listens, for people.
func (t TLS) String() string {
	switch {
	case t.CertFile != "":
		return "HTTPS with the certificate in " + t.CertFile
	case len(t.Domains) > 0:
		return "HTTPS with certificates issued for " + strings.Join(t.Domains, ", ")
	}
	return "plain HTTP"
}

// certificates give each handshake its certificate.
type certificates struct {
	config *tls.Config // nil for plain HTTP
	// keep maintains them until ctx ends; nil when there is nothing to maintain.
	keep func(ctx context.Context)
}

// open prepares the certificates that t names. A pair of files must be usable now.
func (t TLS) open(log *slog.Logger) (*certificates, error) {
	var c *certificates
	var err error
	switch {
	case t.CertFile != "":
		c, err = openPair(t.CertFile, t.KeyFile, log)
	case len(t.Domains) > 0:
		c, err = openIssued(t, log)
	default:
		return &certificates{}, nil
	}
	if err != nil {
		return nil, err
	}
	// Older versions are deprecated (RFC 8996).
	c.config.MinVersion = tls.VersionTLS12
	return c, nil
}

// serve answers on l until hs is shut down. Over TLS, it offers HTTP/2 too.
func (c *certificates) serve(hs *http.Server, l net.Listener) error {
	if c.config == nil {
		return hs.Serve(l)
	}
	hs.TLSConfig = c.config
	return hs.ServeTLS(l, "", "")
}

// attend maintains the certificates until ctx ends or stop is called; stop waits for the end.
func (c *certificates) attend(ctx context.Context) (stop func()) {
	if c.keep == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var kept sync.WaitGroup
	kept.Go(func() { c.keep(ctx) })
	return func() {
		cancel()
		kept.Wait()
	}
}
