package https

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// issueRetry stays below Let's Encrypt's limit of five failed validations of a name per hour
// (letsencrypt.org, "Rate Limits").
const issueRetry = 15 * time.Minute

// issuer gets certificates issued, and renewed 30 days before they expire.
type issuer struct {
	manager *autocert.Manager
	domains []string
	log     *slog.Logger
}

func openIssued(s Settings, log *slog.Logger) (*Certificates, error) {
	if err := os.MkdirAll(s.CacheDir, 0o700); err != nil {
		return nil, fmt.Errorf("keep TLS certificates: %w", err)
	}
	m := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(s.CacheDir),
		HostPolicy: autocert.HostWhitelist(s.Domains...),
		Client:     &acme.Client{DirectoryURL: s.Directory, UserAgent: "vivarium"},
	}
	if s.Directory == "" {
		m.Client.DirectoryURL = acme.LetsEncryptURL
	}
	i := &issuer{manager: m, domains: s.Domains, log: log}
	return &Certificates{config: m.TLSConfig(), keep: i.keep}, nil
}

// keep gets the certificates before anyone asks for them, so that the first visitor does not wait,
// and the operator learns at once why there is none.
func (i *issuer) keep(ctx context.Context) {
	for missing := slices.Clone(i.domains); ; {
		missing = slices.DeleteFunc(missing, func(domain string) bool { return i.obtain(ctx, domain) })
		if len(missing) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(issueRetry):
		}
	}
}

// obtain reports whether there is a certificate for domain now.
func (i *issuer) obtain(ctx context.Context, domain string) bool {
	hello := &tls.ClientHelloInfo{ServerName: domain,
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves:  []tls.CurveID{tls.CurveP256},
		CipherSuites:     []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
	type answer struct {
		cert *tls.Certificate
		err  error
	}
	// autocert takes no context; a call that is left behind ends within its five minutes.
	got := make(chan answer, 1)
	go func() {
		c, err := i.manager.GetCertificate(hello)
		got <- answer{c, err}
	}()
	select {
	case <-ctx.Done():
		return false
	case a := <-got:
		if a.err != nil {
			i.log.ErrorContext(ctx, "no TLS certificate was issued; the ACME server must reach this server at port "+
				"443 of the name",
				"domain", domain, "err", a.err, "again_after", issueRetry)
			return false
		}
		i.log.InfoContext(ctx, "TLS certificate in use", "domain", domain, "until", a.cert.Leaf.NotAfter)
		return true
	}
}
