// Package https secures a server's connections: by a certificate in files, or by certificates that
// are issued to it.
package https

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

// Settings say how connections are secured: by a certificate in files, by certificates that an ACME
// server issues (RFC 8555), or not at all, which is the zero value.
type Settings struct {
	CertFile, KeyFile string // PEM; the certificate first, then its issuers

	Domains   []string // names to get certificates for; this accepts the ACME server's terms
	CacheDir  string   // of the ACME account and certificates
	Directory string   // URL of the ACME server's directory; empty: Let's Encrypt's
}

// Enabled reports whether the server speaks HTTPS itself.
func (s Settings) Enabled() bool { return s.CertFile != "" || len(s.Domains) > 0 }

// domainName is a name that a certificate can be for, as DNS writes it.
var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$`)

// Check tells the operator which settings do not go together.
func (s Settings) Check() error {
	switch {
	case (s.CertFile == "") != (s.KeyFile == ""):
		return errors.New("VIVARIUM_TLS_CERT and VIVARIUM_TLS_KEY go together: a certificate and its key")
	case s.CertFile != "" && len(s.Domains) > 0:
		return errors.New("VIVARIUM_TLS_CERT and VIVARIUM_TLS_DOMAIN exclude each other: take a certificate of " +
			"your own, or have one issued")
	case s.Directory != "" && len(s.Domains) == 0:
		return errors.New("VIVARIUM_TLS_DIRECTORY goes with VIVARIUM_TLS_DOMAIN, the names to get certificates for")
	}
	for _, d := range s.Domains {
		if len(d) > 253 || !domainName.MatchString(d) {
			return fmt.Errorf("VIVARIUM_TLS_DOMAIN holds %q, which is not a domain name in lower case such as "+
				"ci.example.org", d)
		}
	}
	return nil
}

// String says how the server listens, for people.
func (s Settings) String() string {
	switch {
	case s.CertFile != "":
		return "HTTPS with the certificate in " + s.CertFile
	case len(s.Domains) > 0:
		return "HTTPS with certificates issued for " + strings.Join(s.Domains, ", ")
	}
	return "plain HTTP"
}

// Certificates give each handshake its certificate.
type Certificates struct {
	config *tls.Config // nil for plain HTTP
	// keep maintains them until ctx ends; nil when there is nothing to maintain.
	keep func(ctx context.Context)
}

// Open prepares the certificates that s names. A pair of files must be usable now.
func (s Settings) Open(log *slog.Logger) (*Certificates, error) {
	var c *Certificates
	var err error
	switch {
	case s.CertFile != "":
		c, err = openPair(s.CertFile, s.KeyFile, log)
	case len(s.Domains) > 0:
		c, err = openIssued(s, log)
	default:
		return &Certificates{}, nil
	}
	if err != nil {
		return nil, err
	}
	// Older versions are deprecated (RFC 8996).
	c.config.MinVersion = tls.VersionTLS12
	return c, nil
}

// Serve answers on l until hs is shut down. Over TLS, it offers HTTP/2 too.
func (c *Certificates) Serve(hs *http.Server, l net.Listener) error {
	if c.config == nil {
		return hs.Serve(l)
	}
	hs.TLSConfig = c.config
	return hs.ServeTLS(l, "", "")
}

// Attend maintains the certificates until ctx ends or stop is called; stop waits for the end.
func (c *Certificates) Attend(ctx context.Context) (stop func()) {
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
