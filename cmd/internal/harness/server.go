package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"vivarium/server/servertest"
)

// WebhookSecret is what World's pushes are signed with.
const WebhookSecret = "the harness's webhook secret"

// Repositories are the patterns of the repositories that the server builds, with that secret.
var Repositories = []string{"octo/*", "vivarium-demo/*", "vivarium-bench/*", "attack/*"}

// stopTimeout is how long a server may take to stop before it is killed.
const stopTimeout = 20 * time.Second

// Server is a running `vivarium serve`.
type Server struct {
	URL     string
	DataDir string // temporary; removed by Stop

	cmd     *exec.Cmd
	logFile string
	exited  chan struct{} // closed when the process has ended
	err     error         // how it ended, once exited is closed
}

// Serve starts a vivarium binary on a temporary data directory and a free port of loopback. env
// adds settings, NAME=value. The server gets none of the caller's own settings and no .env file:
// they may hold a real token and a real database.
func (w *World) Serve(binary string, env ...string) (*Server, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	port, err := servertest.FreePort()
	if err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	dir, err := os.MkdirTemp("", "vivarium-serve-")
	if err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	s := &Server{
		URL:     "http://" + addr,
		DataDir: dir,
		logFile: filepath.Join(dir, "serve.log"),
		exited:  make(chan struct{}),
	}
	s.cmd = exec.Command(binary, "serve")
	s.cmd.Dir = dir
	s.cmd.Env = append(append(Environ(), w.settings(addr, dir)...), env...)
	if err := s.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start server: %w", err), os.RemoveAll(dir))
	}
	return s, nil
}

func (w *World) settings(addr, dataDir string) []string {
	return []string{
		"VIVARIUM_ADDR=" + addr,
		"VIVARIUM_PUBLIC_URL=http://" + addr,
		"VIVARIUM_DATA_DIR=" + dataDir,
		"VIVARIUM_INDEX_URL=" + w.Index.URL(),
		"VIVARIUM_INDEX_ALLOW=" + w.Host + "/32", // the files lie on an origin of their own
		"GITHUB_API_URL=" + w.GitHub.URL(),
		"GITHUB_SERVER_URL=" + w.Git.URL(),
		"GITHUB_TOKEN=" + Token,
		"GITHUB_WEBHOOK_SECRET=" + WebhookSecret,
		"VIVARIUM_REPOSITORIES=" + strings.Join(Repositories, ","),
	}
}

func (s *Server) start() error {
	log, err := os.OpenFile(s.logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer close(s.exited)
		s.err = s.cmd.Wait()
	}()
	return nil
}

// Command is a command of the server's binary with the server's settings, as its operator runs it.
func (s *Server) Command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, s.cmd.Path, args...)
	c.Dir, c.Env = s.cmd.Dir, slices.Clone(s.cmd.Env)
	return c
}

// PID is the server's process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// WaitReady waits until builds can start, and fails at once when the server ends.
func (s *Server) WaitReady(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/readyz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-s.exited:
			return fmt.Errorf("the server ended (%v); its last words:\n%s", s.err, s.LastWords())
		case <-ctx.Done():
			return fmt.Errorf("wait for the server: %w; its last words:\n%s", context.Cause(ctx), s.LastWords())
		}
	}
}

// LastWords are the last lines of the server's log.
func (s *Server) LastWords() string {
	log, err := os.ReadFile(s.logFile)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-15):], []byte("\n")))
}

// Stop ends the server, by force after stopTimeout, and removes its data.
func (s *Server) Stop() error {
	var errs []error
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		errs = append(errs, err)
	}
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		errs = append(errs, fmt.Errorf("the server did not stop within %s and was killed", stopTimeout),
			s.cmd.Process.Kill())
		<-s.exited
	}
	return errors.Join(append(errs, os.RemoveAll(s.DataDir))...)
}

// engineSettings say which engine and which images to use. The server gets the caller's values of
// these.
var engineSettings = []string{"VIVARIUM_RUNNERS", "VIVARIUM_RUNTIME", "VIVARIUM_INIT_DIR"}

// Environ is this process's environment without the settings of Vivarium and GitHub, apart from
// engineSettings.
func Environ() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		ours := strings.HasPrefix(name, "VIVARIUM_") || strings.HasPrefix(name, "GITHUB_")
		return ours && !slices.Contains(engineSettings, name)
	})
}
