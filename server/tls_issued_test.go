package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"vivarium/server/https"
	"vivarium/server/store"
)

// issuedServer is the environment variable that makes this test program a server with issued
// certificates. It holds the data directory, the address and the ACME server's directory. Go's
// SSL_CERT_FILE can tell a process of its own whom to trust.
const issuedServer = "VIVARIUM_TEST_ISSUED"

func serveIssued(arguments string) int {
	a := strings.Fields(arguments)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	s, err := New(Config{
		Addr: a[1], ServerURL: "https://git.example", WebhookSecret: secret, Repositories: everyone, Key: testKey,
		Version: "test", Log: log,
		Ready: func(context.Context) error { return nil },
		TLS: https.Settings{Domains: []string{"ci.example.org", "other.example.org"},
			CacheDir: filepath.Join(a[0], "certificates"), Directory: a[2]},
	}, &store.Store{})
	if err != nil {
		log.Error("cannot make the server", "err", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := s.Run(ctx); err != nil {
		log.Error("cannot serve", "err", err)
		return 1
	}
	return 0
}

// acmeServer is Debian's pebble, Let's Encrypt's own test server, with a DNS that answers 127.0.0.1
// for every name.
type acmeServer struct {
	*process
	directory, management string
	root                  string // of its HTTPS
}

// startPebble starts a server that validates names at addr.
func startPebble(t *testing.T, addr string) *acmeServer {
	t.Helper()
	pebble, dns := requireProgram(t, "pebble"), requireProgram(t, "pebble-challtestsrv")
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "pebble.crt"), filepath.Join(dir, "pebble.key")
	writePair(t, "pebble.example", cert, key)
	_, text, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	listen, management, names := freeAddr(t), freeAddr(t), freeAddr(t)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": management,
		"certificate": cert, "privateKey": key, "httpPort": 1, "tlsPort": port,
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pebble.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	resolver := startProgram(t, nil, dns, "-dns01", names, "-defaultIPv6", "", "-http01", "", "-https01", "",
		"-tlsalpn01", "", "-management", freeAddr(t))
	resolver.await("DNS", listens(names))
	p := startProgram(t, []string{"PEBBLE_VA_NOSLEEP=1"}, pebble, "-config", file, "-dnsserver", names)
	p.await("ACME server", func() bool { return listens(listen)() && listens(management)() })
	return &acmeServer{p, "https://" + listen + "/dir", management, cert}
}

// roots are the root certificates of the issued ones.
func (a *acmeServer) roots() *x509.CertPool {
	a.t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, "https://"+a.management+"/roots/0", nil)
	if err != nil {
		a.t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		a.t.Fatalf("no root in %q", text)
	}
	return pool
}

func TestCertificatesAreIssuedAndKept(t *testing.T) {
	addr, data := freeAddr(t), t.TempDir()
	ca := startPebble(t, addr)
	roots := ca.roots()
	start := func() *process {
		return startProgram(t, []string{issuedServer + "=" + fmt.Sprint(data, " ", addr, " ", ca.directory),
			"SSL_CERT_FILE=" + ca.root}, os.Args[0])
	}
	verified := func(name string) (*x509.Certificate, error) {
		return presented(t, addr, func(c *tls.Config) {
			*c = tls.Config{RootCAs: roots, ServerName: name}
		})
	}
	s := start()
	// before anyone asks for them
	s.await("certificates", func() bool { return strings.Count(s.output.String(), "TLS certificate in use") == 2 })
	first, err := verified("ci.example.org")
	if err != nil {
		t.Fatalf("%v\n%s", err, s.output.String())
	}
	if _, err := verified("other.example.org"); err != nil {
		t.Errorf("the second name: %v", err)
	}
	if _, err := verified("stranger.example.org"); err == nil {
		t.Error("a certificate was got for a name that was not asked for")
	}
	info, err := os.Stat(filepath.Join(data, "certificates"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of certificates: %v, %v; want mode 0700", info, err)
	}
	s.stop()
	ca.stop()
	again := start()
	again.await("server", listens(addr))
	if got, err := verified("ci.example.org"); err != nil || !got.Equal(first) {
		t.Errorf("after a restart without the ACME server: %v; want the certificate from before", err)
	}
}

func TestOperatorReadsWhyNoCertificateWasIssued(t *testing.T) {
	addr := freeAddr(t)
	ca := startPebble(t, freeAddr(t)) // it validates where nothing listens
	s := startProgram(t, []string{issuedServer + "=" + fmt.Sprint(t.TempDir(), " ", addr, " ", ca.directory),
		"SSL_CERT_FILE=" + ca.root}, os.Args[0])
	s.await("reason", func() bool { return strings.Contains(s.output.String(), "must reach this server at port 443") })
	if log := s.output.String(); !strings.Contains(log, "domain=ci.example.org") || !strings.Contains(log, "/authZ/") {
		t.Errorf("the log names neither the domain nor where the ACME server says more:\n%s", log)
	}
}
