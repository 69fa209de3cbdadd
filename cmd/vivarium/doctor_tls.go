package main

import (
	"crypto/tls"
	"os"
	"strings"
	"time"
)

// scarceTime is when a certificate ought to have been renewed: ACME clients renew it 30 days before
// its end.
const scarceTime = 14 * 24 * time.Hour

// listening says how the server listens, and checks the certificate.
func (c *checkup) listening() {
	t := c.config.tls
	if err := t.Check(); err != nil {
		c.add(essential, "listen", "%v", err)
		return
	}
	c.add(fine, "listen", "%s: %s", c.config.addr, t)
	if t.CertFile == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		c.add(essential, "certificate", "%v; see VIVARIUM_TLS_CERT and VIVARIUM_TLS_KEY", err)
		return
	}
	until := pair.Leaf.NotAfter.UTC().Format(time.DateOnly)
	left := time.Until(pair.Leaf.NotAfter)
	switch u := c.config.publicURL; {
	case left < 0:
		c.add(essential, "certificate", "it ran out on %s: renew it", until)
	case u != nil && pair.Leaf.VerifyHostname(u.Hostname()) != nil:
		c.add(advice, "certificate", "it is for %s, not for %s as VIVARIUM_PUBLIC_URL says",
			strings.Join(pair.Leaf.DNSNames, ", "), u.Hostname())
	case left < scarceTime:
		c.add(advice, "certificate", "it runs out on %s: renew it", until)
	default:
		c.add(fine, "certificate", "for %s until %s", strings.Join(pair.Leaf.DNSNames, ", "), until)
	}
	if info, err := os.Stat(t.KeyFile); err == nil && info.Mode().Perm()&0o007 != 0 {
		c.add(advice, "certificate", "everybody on this machine can read its key; run: chmod o= %s", t.KeyFile)
	}
}
