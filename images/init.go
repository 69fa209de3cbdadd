package images

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// initbin holds, after `make build`, vivarium-init-linux-ARCH for every architecture that an engine
// may have; in a fresh clone it holds a placeholder.
//
//go:embed all:initbin
var initbin embed.FS

// initBinary finds the vivarium-init for the engine.
type initBinary struct {
	dir  string // empty: embedded
	arch string
}

// read returns the binary and its SHA-256. It reads the file each time, since the one in dir may be
// replaced while a process runs.
func (i initBinary) read() (data []byte, sum string, err error) {
	name := "vivarium-init-linux-" + i.arch
	if i.dir != "" {
		data, err = fs.ReadFile(os.DirFS(i.dir), name)
	} else {
		data, err = initbin.ReadFile("initbin/" + name)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && i.dir == "":
		return nil, "", fmt.Errorf("this vivarium was built without %s: build it with `make build`", name)
	case err != nil:
		return nil, "", fmt.Errorf("read %s: %w", name, err)
	}
	hash := sha256.Sum256(data)
	return data, hex.EncodeToString(hash[:]), nil
}
