package app

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeysOfBothFormsAreRead(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "app.pem")
	for kind, der := range map[string][]byte{
		"RSA PRIVATE KEY": x509.MarshalPKCS1PrivateKey(key), "PRIVATE KEY": pkcs8,
	} {
		writeKey(t, path, kind, der)
		if got, _, err := ReadKey(path); err != nil || !got.Equal(key) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestWhatIsNoKeyIsRefusedWithoutBeingShown(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "app.pem")
	refused := func(what string) {
		t.Helper()
		_, _, err := ReadKey(path)
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("no file")
	writeKey(t, path, "PRIVATE KEY", der)
	refused("another kind of key")
	writeKey(t, path, "RSA PRIVATE KEY", []byte("hush"))
	refused("no key within")
	if err := os.WriteFile(path, []byte("hush"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("no PEM")
}

func TestAKeyThatOthersMayReadIsWarnedAbout(t *testing.T) {
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true} {
		var log bytes.Buffer
		w := newWorld(t, nil)
		if err := os.Chmod(w.keyPath, mode); err != nil {
			t.Fatal(err)
		}
		s, err := New(Config{ID: 42, KeyFile: w.keyPath, APIURL: w.hub.URL(), Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if got := strings.Contains(log.String(), "chmod 600"); got != want {
			t.Errorf("mode %o: warned %v, want %v", mode, got, want)
		}
	}
}
