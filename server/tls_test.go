package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox/eventually"
	"vivarium/server/https"
)

// writePair makes a self-signed certificate for name and 127.0.0.1, and its key.
func writePair(t *testing.T, name, certFile, keyFile string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der},
		keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// run makes the server listen on its own and gives the address. The server stops with the test.
func (s *site) run() string {
	s.t.Helper()
	bound := make(chan net.Addr, 1)
	s.config.Addr = "127.0.0.1:0"
	s.config.Listening = func(a net.Addr) { bound <- a }
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	})
	select {
	case a := <-bound:
		return a.String()
	case err := <-ran:
		ran <- nil
		s.t.Fatalf("Run: %v", err)
		return ""
	}
}

// presented is the certificate that addr presents.
func presented(t *testing.T, addr string, change func(*tls.Config)) (*x509.Certificate, error) {
	t.Helper()
	c := &tls.Config{InsecureSkipVerify: true, ServerName: "ci.example"}
	change(c)
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Minute}, "tcp", addr, c)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0], nil
}

func asIs(*tls.Config) {}

func TestNewPairIsServedOnceItIsWhole(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := writePair(t, "ci.example", cert, key)
	log := &syncBuffer{}
	s := newSite(t, func(c *Config) {
		c.TLS = https.Settings{CertFile: cert, KeyFile: key}
		c.Log = slog.New(slog.NewTextHandler(log, nil))
	})
	addr := s.run()
	serves := func(want *x509.Certificate) func() bool {
		return func() bool {
			got, err := presented(t, addr, asIs)
			return err == nil && got.Equal(want)
		}
	}
	if !serves(first)() || !strings.Contains(log.String(), "HTTPS with the certificate in "+cert) {
		t.Fatalf("the pair is not served, or the log does not say how the server listens:\n%s", log.String())
	}
	// A certificate whose key has not arrived yet.
	second := writePair(t, "ci.example", cert, filepath.Join(dir, "next.pem"))
	eventually.Holds(t, "the log tells of the broken pair",
		func() bool { return strings.Contains(log.String(), "level=ERROR") })
	if !serves(first)() {
		t.Error("a broken pair took the place of the one before")
	}
	if err := os.Rename(filepath.Join(dir, "next.pem"), key); err != nil {
		t.Fatal(err)
	}
	eventually.Holds(t, "the second certificate is served", serves(second))
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("the broken pair was told of %d times, want once:\n%s", n, log.String())
	}
	// When the files go, the pair that was read stays.
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	if !serves(second)() {
		t.Error("the certificate went with its file")
	}
}

func TestTLSIsOfTodayAndOffersHTTP2(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, "ci.example", cert, key)
	s := newSite(t, func(c *Config) { c.TLS = https.Settings{CertFile: cert, KeyFile: key} })
	addr := s.run()
	for version, ok := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true,
		tls.VersionTLS13: true} {
		if _, err := presented(t, addr, func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = version, version
		}); (err == nil) != ok {
			t.Errorf("%s: %v, want it taken: %v", tls.VersionName(version), err, ok)
		}
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+addr+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != 200 || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("answered %s %s with %v", resp.Proto, resp.Status, resp.Header)
	}
}

func TestPairThatCannotBeUsedStopsTheServer(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	writePair(t, "ci.example", file("a.crt"), file("a.key"))
	writePair(t, "ci.example", file("b.crt"), file("b.key"))
	if err := os.WriteFile(file("words"), []byte("not PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]https.Settings{
		"no file":       {CertFile: file("none"), KeyFile: file("a.key")},
		"no key":        {CertFile: file("a.crt"), KeyFile: file("none")},
		"another's key": {CertFile: file("a.crt"), KeyFile: file("b.key")},
		"words":         {CertFile: file("words"), KeyFile: file("a.key")},
		"a folder":      {CertFile: dir, KeyFile: file("a.key")},
	} {
		s := newSite(t, func(cfg *Config) { cfg.TLS = c; cfg.Addr = "127.0.0.1:0" })
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "VIVARIUM_TLS_CERT") {
			t.Errorf("%s: %v, want an error that names the setting", name, err)
		}
	}
}

func TestBrowsersAreToldToKeepToHTTPSWhereThereIsHTTPS(t *testing.T) {
	for public, want := range map[string]bool{"": false, "http://ci.example": false, "https://ci.example": true} {
		s := newSite(t, func(c *Config) { c.PublicURL = public })
		if got := s.get("/").header.Get("Strict-Transport-Security"); (got != "") != want {
			t.Errorf("public URL %q: Strict-Transport-Security %q", public, got)
		}
	}
}
