package images

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"time"

	"github.com/docker/docker/api/types/container"
)

// What the last layer holds besides vivarium-init, with paths as in a tar. usersPath keeps the
// base's passwdPath. From it vivarium-init makes ownUsersPath, in a place where each sandbox can
// write.
const (
	passwdPath   = "etc/passwd"
	usersPath    = "opt/vivarium/passwd"
	ownUsersPath = "opt/vivarium/user/passwd"
)

// initLayer puts vivarium-init on a tools layer and commits the result, without a name. It runs
// nothing, so nothing is fetched.
func (m *Manager) initLayer(ctx context.Context, toolsID string) (id string, err error) {
	data, sum, err := m.init.read()
	if err != nil {
		return "", err
	}
	c, remove, err := m.create(ctx, &container.Config{Image: toolsID, Cmd: []string{"/" + initPath}},
		&container.HostConfig{NetworkMode: "none"})
	if err != nil {
		return "", fmt.Errorf("add vivarium-init: %w", err)
	}
	defer remove()
	passwd, err := m.readFile(ctx, c, "/"+passwdPath, maxPasswd)
	if err != nil {
		return "", err
	}
	if err := m.cli.CopyToContainer(ctx, c, "/", initTar(data, passwd),
		container.CopyToContainerOptions{}); err != nil {
		return "", fmt.Errorf("copy vivarium-init into image: %w", err)
	}
	return m.commit(ctx, c, &container.Config{
		User:       user,
		WorkingDir: "/tmp/workspace",
		Entrypoint: []string{"/" + initPath},
		// A base's health check would be one more process in every sandbox, which nobody asked for.
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
		Labels:      map[string]string{labelInit: sum},
	})
}

// maxPasswd bounds the list of users of a base, in bytes: a sandbox's copy must fit where it is
// put.
const maxPasswd = 32 << 10

// initTar is a tar with vivarium-init, and with the users where vivarium-init looks for them. Its
// times are fixed, so that the layer depends only on these two.
func initTar(data, passwd []byte) io.Reader {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range []struct {
		tar.Header
		content []byte
	}{
		{tar.Header{Name: initPath, Mode: 0o755, Typeflag: tar.TypeReg}, data},
		{tar.Header{Name: usersPath, Mode: 0o644, Typeflag: tar.TypeReg}, passwd},
		{tar.Header{Name: path.Dir(ownUsersPath) + "/", Mode: 0o1777, Typeflag: tar.TypeDir}, nil},
		{tar.Header{Name: ownUsersPath, Mode: 0o644, Typeflag: tar.TypeReg}, passwd},
		{tar.Header{Name: passwdPath, Linkname: "/" + ownUsersPath, Mode: 0o777, Typeflag: tar.TypeSymlink}, nil},
	} {
		e.Size, e.ModTime = int64(len(e.content)), time.Unix(0, 0)
		// A bytes.Buffer accepts every write, and so does a tar writer with a valid header.
		_ = w.WriteHeader(&e.Header)
		_, _ = w.Write(e.content)
	}
	_ = w.Close()
	return &buf
}
