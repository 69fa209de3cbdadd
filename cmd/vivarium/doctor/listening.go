package doctor

import (
	"crypto/tls"
	"net/url"
	"os"
	"strings"
	"time"

	"vivarium/server/https"
)

// scarceTime is when a certificate ought to have been renewed: ACME clients renew it 30 days before
// its end.
const scarceTime = 14 * 24 * time.Hour

// Listening says how the server listens on addr, secured by t, and checks the certificate, also
// against the public URL, which may be nil.
func Listening(c *Checkup, addr string, t https.Settings, public *url.URL) {
	if err := t.Check(); err != nil {
		c.Add(Essential, "listen", "%v", err)
		return
	}
	c.Add(Fine, "listen", "%s: %s", addr, t)
	if t.CertFile == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		c.Add(Essential, "certificate", "%v; see VIVARIUM_TLS_CERT and VIVARIUM_TLS_KEY", err)
		return
	}
	until := pair.Leaf.NotAfter.UTC().Format(time.DateOnly)
	left := time.Until(pair.Leaf.NotAfter)
	switch {
	case left < 0:
		c.Add(Essential, "certificate", "it ran out on %s: renew it", until)
	case public != nil && pair.Leaf.VerifyHostname(public.Hostname()) != nil:
		c.Add(Advice, "certificate", "it is for %s, not for %s as VIVARIUM_PUBLIC_URL says",
			strings.Join(pair.Leaf.DNSNames, ", "), public.Hostname())
	case left < scarceTime:
		c.Add(Advice, "certificate", "it runs out on %s: renew it", until)
	default:
		c.Add(Fine, "certificate", "for %s until %s", strings.Join(pair.Leaf.DNSNames, ", "), until)
	}
	if info, err := os.Stat(t.KeyFile); err == nil && info.Mode().Perm()&0o007 != 0 {
		c.Add(Advice, "certificate", "everybody on this machine can read its key; run: chmod o= %s", t.KeyFile)
	}
}
