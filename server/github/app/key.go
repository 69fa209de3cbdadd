package app

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

// maxKeyFile bounds what is read of a key file; one of 4096 bits has some 3,200 bytes.
const maxKeyFile = 64 << 10

// keyFile is an App's private key as its file holds it now: a key that is replaced there counts from
// the next token on. A file that cannot be read, or holds no key, changes nothing: its writer may
// not be done.
type keyFile struct {
	path string
	log  *slog.Logger

	mu   sync.Mutex
	key  *rsa.PrivateKey
	info os.FileInfo // as last read
	read time.Time   // when
}

// openKey reads the key for the first time: here a file that cannot be read is an error.
func openKey(path string, log *slog.Logger) (*keyFile, error) {
	key, info, err := ReadKey(path)
	if err != nil {
		return nil, err
	}
	return &keyFile{path: path, log: log, key: key, info: info, read: time.Now()}, nil
}

// now is the key that the file holds now. The look costs some microseconds.
func (f *keyFile) now() *rsa.PrivateKey {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil || !f.changed(info) {
		return f.key
	}
	key, info, err := ReadKey(f.path)
	if err != nil {
		f.log.Warn("the key of the GitHub App is not renewed", "err", err)
		return f.key
	}
	f.key, f.info, f.read = key, info, time.Now()
	return key
}

// changed reports whether the file may differ from the one last read. On a clock that ticks in
// whole seconds, a change within the second of the reading would not show.
func (f *keyFile) changed(info os.FileInfo) bool {
	return !os.SameFile(f.info, info) || f.info.Size() != info.Size() || !f.info.ModTime().Equal(info.ModTime()) ||
		f.read.Sub(info.ModTime()) < 2*time.Second
}

// fingerprint tells one key from another without giving it away.
func (f *keyFile) fingerprint() string {
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(&f.now().PublicKey))
	return hex.EncodeToString(sum[:8])
}

// ReadKey reads an App's private key from a PEM file, in PKCS #1 as GitHub gives it or in PKCS #8.
func ReadKey(path string) (*rsa.PrivateKey, os.FileInfo, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the key of the GitHub App: %w; set VIVARIUM_GITHUB_APP_KEY_FILE to the "+
			".pem file that GitHub gave for it", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the key of the GitHub App: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the key of the GitHub App: %w", err)
	}
	key, err := parseKey(text)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot use the key of the GitHub App in %s: %w", path, err)
	}
	return key, info, nil
}

var errNoKey = errors.New("it holds no RSA private key in PEM; generate one in the App's settings on GitHub")

// parseKey does not wrap what the parsers say: their words could hold parts of the key.
func parseKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errNoKey
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errNoKey
	}
	key, ok := any.(*rsa.PrivateKey)
	if !ok {
		return nil, errNoKey
	}
	return key, nil
}

// Exposed reports whether others on this machine than the owner may read a key file.
func Exposed(info os.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
