package datadir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// InstanceFile holds the ID.
const InstanceFile = "instance"

// Instance is the name of the server that owns a data directory. It labels containers, so that a
// server finds its own after a restart, and never those of another.
func Instance(dataDir string) (string, error) {
	file := filepath.Join(dataDir, InstanceFile)
	id, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		id, err = KeepFirst(file, []byte(strings.ToLower(rand.Text())))
	}
	if err == nil && len(strings.TrimSpace(string(id))) == 0 {
		err = errors.New("it is empty; remove it")
	}
	if err != nil {
		return "", fmt.Errorf("cannot use the instance file %s: %w", file, err)
	}
	return strings.TrimSpace(string(id)), nil
}

// KeepFirst writes a file unless it exists, whole or not at all, and gives its content then: of
// several processes that begin at once, the first one's content counts for all. The file is on the
// disk when this returns.
func KeepFirst(file string, content []byte) ([]byte, error) {
	dir := filepath.Dir(file)
	tmp, err := os.CreateTemp(dir, filepath.Base(file)+".*") // for its owner only
	if err != nil {
		return nil, err
	}
	_, err = tmp.Write(append(content, '\n'))
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Link(tmp.Name(), file) // unlike a rename, it replaces nothing
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err = errors.Join(err, os.Remove(tmp.Name()), syncDir(dir)); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
