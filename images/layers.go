package images

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// Paths in a runner image that package sandbox also knows.
const (
	initPath    = "opt/vivarium/init" // as in a tar: relative to the root
	versionPath = "/opt/vivarium/python-version"
	user        = "10001:10001" // for those who run the image without vivarium
)

//go:embed tools.sh
var toolsScript string

var toolsSum = func() string {
	sum := sha256.Sum256([]byte(toolsScript))
	return hex.EncodeToString(sum[:])
}()

// needsNetwork is the exit status with which tools.sh asks for a network.
const needsNetwork = 100

// cleanupTimeout bounds the removal of a container, also after a cancel.
const cleanupTimeout = 30 * time.Second

// errNeedsNetwork means that tools.sh lacked something and had no network to get it.
var errNeedsNetwork = errors.New("the base lacks some of the tools")

// toolsLayer runs tools.sh on a base and commits the result, without a name. The container gets a
// network only when the script asks for one.
func (m *Manager) toolsLayer(
	ctx context.Context, name string, b base, slim bool, progress io.Writer,
) (id string, err error) {
	fmt.Fprintf(progress, "Adding tools to the base (%s)\n", b.desc)
	id, err = m.runTools(ctx, name, b, slim, false, progress)
	if errors.Is(err, errNeedsNetwork) {
		fmt.Fprintln(progress, "The base lacks some of them; installing these over the network")
		id, err = m.runTools(ctx, name, b, slim, true, progress)
	}
	if err != nil {
		return "", fmt.Errorf("add tools to base %s: %w", b.desc, err)
	}
	return id, nil
}

func (m *Manager) runTools(
	ctx context.Context, name string, b base, slim, network bool, progress io.Writer,
) (id string, err error) {
	host := &container.HostConfig{
		NetworkMode: "none",
		SecurityOpt: []string{"no-new-privileges"},
		LogConfig:   container.LogConfig{Type: "none"},
	}
	answer := "no"
	if network {
		host.NetworkMode, answer = "default", "yes"
	}
	c, remove, err := m.create(ctx, &container.Config{
		Image:        b.id,
		User:         "0:0",
		Entrypoint:   []string{"/bin/sh"},
		Cmd:          append([]string{"-c", toolsScript, "tools.sh", answer, m.indexURL, flavour(slim)}, leftOut...),
		AttachStdout: true,
		AttachStderr: true,
	}, host)
	if err != nil {
		return "", err
	}
	defer remove()

	last := &tail{limit: 2 << 10}
	status, err := m.run(ctx, c, io.MultiWriter(progress, last))
	switch {
	case err != nil:
		return "", err
	case status == needsNetwork && !network:
		return "", errNeedsNetwork
	case status != 0:
		return "", fmt.Errorf("exit status %d:\n%s", status, last)
	}
	version, err := m.pythonVersion(ctx, c)
	if err != nil {
		return "", err
	}
	if err := checkPython(name, version); err != nil {
		return "", err
	}
	return m.commit(ctx, c, &container.Config{
		User:       "0:0",
		Entrypoint: []string{},
		Cmd:        []string{"/bin/sh"},
		Labels: map[string]string{
			labelBase: b.desc, labelTools: toolsSum, labelPython: version, labelFlavour: flavour(slim),
		},
	})
}

// create makes a container and a function that removes it, even after ctx has ended. An engine
// finishes a create when its caller has gone, so the call has some time beyond ctx to answer.
func (m *Manager) create(
	ctx context.Context, c *container.Config, h *container.HostConfig,
) (id string, remove func(), err error) {
	making, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(cleanupTimeout, cancel) })()
	made, err := m.cli.ContainerCreate(making, c, h, nil, nil, containerPrefix+rand.Text())
	if err != nil {
		return "", nil, fmt.Errorf("create container: %w", err)
	}
	remove = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
		err := m.cli.ContainerRemove(ctx, made.ID, container.RemoveOptions{Force: true, RemoveVolumes: true})
		if err != nil {
			m.log.Warn("cannot remove container that made an image", "container", made.ID, "err", err)
		}
	}
	if ctx.Err() != nil {
		remove()
		return "", nil, fmt.Errorf("create container: %w", context.Cause(ctx))
	}
	return made.ID, remove, nil
}

// run starts a container, passes its output on and waits for its end.
func (m *Manager) run(ctx context.Context, id string, out io.Writer) (status int64, err error) {
	attached, err := m.cli.ContainerAttach(ctx, id, container.AttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		return 0, fmt.Errorf("attach to container: %w", err)
	}
	defer attached.Close()
	stop := context.AfterFunc(ctx, attached.Close)
	defer stop()
	ended := m.exit(ctx, id)
	defer ended.stop()
	if err := m.cli.ContainerStart(ctx, id, container.StartOptions{}); err != nil {
		return 0, fmt.Errorf("start container: %w", err)
	}
	if _, err := stdcopy.StdCopy(out, out, attached.Reader); err != nil {
		return 0, errors.Join(context.Cause(ctx), fmt.Errorf("read output of container: %w", err))
	}
	ended.done.Wait()
	return ended.code, ended.err
}

// exit is the exit of a container; the wait begins before the container starts.
type exit struct {
	done   sync.WaitGroup
	cancel context.CancelFunc
	code   int64 // valid, like err, once done is closed
	err    error
}

// exit begins to wait for a container's next exit. One of the client's two channels must be read:
// its goroutine stays until then.
func (m *Manager) exit(ctx context.Context, id string) *exit {
	ctx, cancel := context.WithCancel(ctx)
	e := &exit{cancel: cancel}
	ended, failed := m.cli.ContainerWait(ctx, id, container.WaitConditionNextExit)
	e.done.Go(func() {
		select {
		case end := <-ended:
			e.code = end.StatusCode
		case err := <-failed:
			e.err = fmt.Errorf("wait for container: %w", err)
		}
	})
	return e
}

// stop ends the wait, also for a container that never started.
func (e *exit) stop() {
	e.cancel()
	e.done.Wait()
}

// commit makes an image from a container. Where config leaves a setting empty, the engine takes the
// container's.
func (m *Manager) commit(ctx context.Context, id string, config *container.Config) (imageID string, err error) {
	made, err := m.cli.ContainerCommit(ctx, id, container.CommitOptions{Config: config})
	if err != nil {
		return "", fmt.Errorf("commit image layer: %w", err)
	}
	return made.ID, nil
}

var versionRule = regexp.MustCompile(`^\d+\.\d+\.\d+[0-9A-Za-z.+-]{0,16}$`)

// pythonVersion reads the version that tools.sh found.
func (m *Manager) pythonVersion(ctx context.Context, id string) (string, error) {
	data, err := m.readFile(ctx, id, versionPath, 64)
	if err != nil {
		return "", err
	}
	version := string(bytes.TrimSpace(data))
	if !versionRule.MatchString(version) {
		return "", fmt.Errorf("%s of image holds %q, which is no Python version", versionPath, version)
	}
	return version, nil
}

// readFile reads a regular file of at most limit bytes from a container.
func (m *Manager) readFile(ctx context.Context, id, path string, limit int64) ([]byte, error) {
	body, _, err := m.cli.CopyFromContainer(ctx, id, path)
	if err != nil {
		return nil, fmt.Errorf("read %s of image: %w", path, err)
	}
	defer body.Close()
	t := tar.NewReader(body)
	h, err := t.Next()
	if err != nil {
		return nil, fmt.Errorf("read %s of image: %w", path, err)
	}
	if h.Typeflag != tar.TypeReg || h.Size > limit {
		return nil, fmt.Errorf("read %s of image: it is no plain file of at most %d bytes", path, limit)
	}
	data, err := io.ReadAll(t)
	if err != nil {
		return nil, fmt.Errorf("read %s of image: %w", path, err)
	}
	return data, nil
}

// tail keeps the last bytes written to it, for an error message.
type tail struct {
	limit int
	data  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if over := len(t.data) - t.limit; over > 0 {
		t.data = append(t.data[:0], t.data[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(bytes.TrimSpace(t.data)) }
