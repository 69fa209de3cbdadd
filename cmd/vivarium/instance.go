package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// makeDataDir makes the data directory. Others on the machine may not look into it: it holds
// logs of private repositories.
func makeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the data directory: %w; set VIVARIUM_DATA_DIR to a folder that can be written", err)
	}
	return nil
}

// instanceID is the name of the server that owns a data directory. It labels containers,
// so that after a restart it finds its own, and never those of another server.
func instanceID(dataDir string) (string, error) {
	file := filepath.Join(dataDir, "instance")
	id, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		id = []byte(strings.ToLower(rand.Text()))
		err = writeNew(file, id)
	}
	if err == nil && len(strings.TrimSpace(string(id))) == 0 {
		err = errors.New("it is empty; remove it")
	}
	if err != nil {
		return "", fmt.Errorf("cannot use the instance file %s: %w", file, err)
	}
	return strings.TrimSpace(string(id)), nil
}

// writeNew writes a file that appears whole or not at all.
func writeNew(file string, content []byte) error {
	tmp := file + ".new"
	if err := os.WriteFile(tmp, append(content, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}
