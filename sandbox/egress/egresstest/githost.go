package egresstest

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// maxPush bounds a request body that the host has to hold in memory.
const maxPush = 64 << 20

// GitHostConfig says how a GitHost listens. The zero value is a free port on loopback,
// open to all.
type GitHostConfig struct {
	Addr         string // host:port to listen on
	Token        string // if set, the host asks for it as the password of Basic authentication
	ObjectFormat string // of the repositories: sha1, which is the default, or sha256
}

// GitHost serves bare repositories over git's smart and dumb HTTP protocols, as
// URL/OWNER/NAME and URL/OWNER/NAME.git. It takes pushes too.
type GitHost struct {
	*server
	token  string
	format string
	dir    string // the repositories' root
	home   string // an empty HOME for the git commands
	git    string
}

// StartGitHost starts a host without repositories. Close ends it and removes its files.
func StartGitHost(c GitHostConfig) (*GitHost, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("find git for the git host: %w", err)
	}
	root, err := os.MkdirTemp("", "vivarium-githost-")
	if err != nil {
		return nil, fmt.Errorf("make the git host's folder: %w", err)
	}
	h := &GitHost{
		token:  c.Token,
		format: c.ObjectFormat,
		dir:    filepath.Join(root, "repos"),
		home:   filepath.Join(root, "home"),
		git:    git,
	}
	if err := h.start(c.Addr); err != nil {
		_ = os.RemoveAll(root)
		return nil, err
	}
	return h, nil
}

func (h *GitHost) start(addr string) error {
	for _, d := range []string{h.dir, h.home} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return fmt.Errorf("make the git host's folder: %w", err)
		}
	}
	out, err := h.run(context.Background(), nil, "--exec-path")
	if err != nil {
		return err
	}
	backend := filepath.Join(strings.TrimSpace(string(out)), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		return fmt.Errorf("find git's http-backend: %w", err)
	}
	h.server, err = listen(addr, h.serve(backend), nil)
	return err
}

// URL is the host's root, without a slash at the end: what GITHUB_SERVER_URL is set to.
func (h *GitHost) URL() string { return "http://" + h.addr }

// RepoURL is the address of the repository OWNER/NAME.
func (h *GitHost) RepoURL(fullName string) *url.URL {
	return &url.URL{Scheme: "http", Host: h.addr, Path: "/" + fullName + ".git"}
}

// SetFault makes every request go through f from now on; nil ends that.
func (h *GitHost) SetFault(f Fault) { h.setFault(f) }

// Requests are all requests so far, oldest first.
func (h *GitHost) Requests() []Request { return h.log() }

// Close stops the host and removes its repositories.
func (h *GitHost) Close() error {
	return errors.Join(h.close(), os.RemoveAll(filepath.Dir(h.dir)))
}

// serve is the host's handler: authentication, then git's own http-backend.
func (h *GitHost) serve(backend string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		if h.token != "" && subtle.ConstantTimeCompare([]byte(password), []byte(h.token)) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "a token is needed", http.StatusUnauthorized)
			return
		}
		if err := fixLength(r); err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		c := cgi.Handler{
			Path: backend,
			Env: append(h.environ(), "GIT_PROJECT_ROOT="+h.dir, "GIT_HTTP_EXPORT_ALL=1",
				"GIT_PROTOCOL="+r.Header.Get("Git-Protocol")),
			Stderr: io.Discard,
		}
		r2 := r.Clone(r.Context())
		r2.URL.Path = withSuffix(r.URL.Path)
		c.ServeHTTP(w, r2)
	})
}

// fixLength gives a chunked body a length, which CGI needs.
func fixLength(r *http.Request) error {
	if len(r.TransferEncoding) == 0 {
		return nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxPush))
	if err != nil {
		return err
	}
	r.TransferEncoding = nil
	r.ContentLength = int64(len(body))
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// withSuffix maps /OWNER/NAME/rest to /OWNER/NAME.git/rest.
func withSuffix(path string) string {
	parts := strings.SplitN(path, "/", 4)
	if len(parts) == 4 && !strings.HasSuffix(parts[2], ".git") {
		parts[2] += ".git"
	}
	return strings.Join(parts, "/")
}

var fullNamePattern = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*/[A-Za-z0-9_-][A-Za-z0-9._-]*$`)

// repoDir is where the repository lies on disk.
func (h *GitHost) repoDir(fullName string) (string, error) {
	if !fullNamePattern.MatchString(fullName) {
		return "", fmt.Errorf("repository name %q: want OWNER/NAME", fullName)
	}
	return filepath.Join(h.dir, filepath.FromSlash(fullName)+".git"), nil
}

// run runs git on the host, on repositories of our own making, with nothing inherited.
func (h *GitHost) run(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, h.git, args...)
	c.Env = append(h.environ(), "PATH="+os.Getenv("PATH"))
	c.Dir = h.home
	c.Stdin = stdin
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

func (h *GitHost) environ() []string {
	return []string{"HOME=" + h.home, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "LANG=C.UTF-8"}
}
