package sandbox_test

import (
	"archive/tar"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"vivarium/sandbox"
)

// TestWhatTestSuitesDoWorks is the other half of every refusal: subprocesses, threads,
// multiprocessing, sockets of this host, TLS, asyncio, sqlite3, git, flake8 and pip.
func TestWhatTestSuitesDoWorks(t *testing.T) {
	s := start(t, nil)
	suite, err := os.ReadFile("testdata/works/test_works.py")
	if err != nil {
		t.Fatal(err)
	}
	cert, key := certificate(t)
	files := map[string][]byte{
		"test_works.py": suite, "cert.pem": cert, "key.pem": key,
		"setup.py":    []byte("from setuptools import setup\nsetup(name='own', version='1.0', py_modules=['own'])\n"),
		"own.py":      []byte("WORD = 'installed'\n"),
		"use/main.py": []byte("import own\nprint(own.WORD)\n"),
	}
	if err := s.PutArchive(t.Context(), sandbox.Workspace, tarOfFiles(t, files)); err != nil {
		t.Fatal(err)
	}
	r, o := run(t, s, sandbox.Command{Argv: []string{"python3", "-m", "unittest", "-v"}})
	ran := regexp.MustCompile(`(?m)^Ran (\d+) tests`).FindStringSubmatch(o.stderr.String())
	tests := strings.Count(string(suite), "    def test_") + strings.Count(string(suite), "    async def test_")
	if !r.Success() || ran == nil || ran[1] != strconv.Itoa(tests) || strings.Contains(o.stderr.String(), "skipped") {
		t.Errorf("%+v, want %d tests to pass\n%s", r, tests, o.stderr.String())
	}
	out := mustRun(t, s, shell(`
tar -xf `+sandbox.Seed+` -C `+sandbox.Env+`
cd `+sandbox.Env+`/bin
./python -m pip install --quiet --no-index --no-build-isolation `+sandbox.Workspace+`
./python -P `+sandbox.Workspace+`/use/main.py`))
	if out != "installed\n" {
		t.Errorf("what pip built and installed: got %q", out)
	}
}

func tarOfFiles(t *testing.T, files map[string][]byte) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{
			Name:     name,
			Typeflag: tar.TypeReg,
			Mode:     0o644,
			Size:     int64(len(content)),
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// certificate is a self-signed certificate for localhost.
func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(
			1,
		), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true,
	}
	public, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(
		&pem.Block{Type: "CERTIFICATE", Bytes: public},
	), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}
