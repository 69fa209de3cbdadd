package egresstest

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// DebianWheels is where Debian's python3-setuptools-whl and python3-wheel-whl put real
// wheels, which pip needs to build a project from source.
const DebianWheels = "/usr/share/python-wheels"

// File is one file that the index offers.
type File struct {
	Name           string // as pip knows it: NAME-VERSION-py3-none-any.whl or NAME-VERSION.tar.gz
	Data           []byte
	Metadata       []byte // served as NAME.metadata when not nil (PEP 658)
	RequiresPython string
	Yanked         string // the reason; empty is not yanked

	NoHash bool   // the pages do not tell the hash
	Hash   string // told instead of the right SHA-256 when set
	URL    string // told instead of the right address when set
}

// SHA256 is the file's own digest in hexadecimal.
func (f File) SHA256() string { return digest(f.Data) }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// IndexConfig says how an Index listens. The zero value is two free ports on loopback
// without TLS.
type IndexConfig struct {
	Addr      string // host:port of the pages
	FilesAddr string // host:port of the files' own origin
	FilesTLS  bool   // serve the files over https, with a certificate that RootCAs trusts
	HTMLOnly  bool   // as an index from before PEP 691
	Password  string // if set, the pages ask for it as the password of Basic authentication
}

// Index is a Python package index: pages in HTML (PEP 503) and JSON (PEP 691) on one
// origin, the files and their metadata (PEP 658) on another.
type Index struct {
	pages    *server
	files    *server
	filesURL string
	roots    *x509.CertPool
	htmlOnly bool
	password string

	mu       sync.Mutex
	projects map[string][]File // by normalized name
}

// StartIndex starts an empty index. Close ends it.
func StartIndex(c IndexConfig) (*Index, error) {
	x := &Index{htmlOnly: c.HTMLOnly, password: c.Password, projects: map[string][]File{}}
	scheme := "http"
	var wrap func(net.Listener) net.Listener
	if c.FilesTLS {
		cert, roots, err := certificate()
		if err != nil {
			return nil, err
		}
		scheme, x.roots = "https", roots
		wrap = func(l net.Listener) net.Listener {
			return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})
		}
	}
	var err error
	if x.files, err = listen(c.FilesAddr, http.HandlerFunc(x.serveFile), wrap); err != nil {
		return nil, err
	}
	x.filesURL = scheme + "://" + x.files.addr
	if x.pages, err = listen(c.Addr, http.HandlerFunc(x.servePage), nil); err != nil {
		return nil, errors.Join(err, x.files.close())
	}
	return x, nil
}

// URL is the simple index's address: what VIVARIUM_INDEX_URL is set to.
func (x *Index) URL() string { return "http://" + x.pages.addr + "/simple/" }

// FilesURL is the files' origin, without a slash at the end.
func (x *Index) FilesURL() string { return x.filesURL }

// RootCAs are the authorities that the files' origin needs; nil without FilesTLS.
func (x *Index) RootCAs() *x509.CertPool { return x.roots }

// Add offers files, in addition to those that are there.
func (x *Index) Add(files ...File) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, f := range files {
		p := projectOf(f.Name)
		x.projects[p] = append(x.projects[p], f)
	}
}

// AddDir offers every wheel and sdist that lies in dir.
func (x *Index) AddDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the wheels of %s: %w", dir, err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".whl") && !strings.HasSuffix(e.Name(), ".tar.gz") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return fmt.Errorf("read the wheels of %s: %w", dir, err)
		}
		x.Add(File{Name: e.Name(), Data: data})
	}
	return nil
}

// SetFault makes every request for a page go through f from now on; nil ends that.
func (x *Index) SetFault(f Fault) { x.pages.setFault(f) }

// SetFilesFault makes every request for a file go through f from now on; nil ends that.
func (x *Index) SetFilesFault(f Fault) { x.files.setFault(f) }

// Requests are all requests for pages so far, oldest first.
func (x *Index) Requests() []Request { return x.pages.log() }

// FileRequests are all requests for files so far, oldest first.
func (x *Index) FileRequests() []Request { return x.files.log() }

// Close stops both servers.
func (x *Index) Close() error { return errors.Join(x.pages.close(), x.files.close()) }

// project is what the index holds under a normalized name.
func (x *Index) project(name string) []File {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.projects[name])
}

// projectOf is the normalized project name in a file's name.
func projectOf(file string) string {
	if dist, ok := strings.CutSuffix(file, ".whl"); ok {
		name, _, _ := strings.Cut(dist, "-")
		return normalize(name)
	}
	name := strings.TrimSuffix(file, ".tar.gz")
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		name = name[:i]
	}
	return normalize(name)
}

// normalize is PEP 503's rule for project names.
func normalize(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return r == '-' || r == '_' || r == '.'
	}), "-")
}
