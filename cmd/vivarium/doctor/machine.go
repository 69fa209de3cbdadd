package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"vivarium/cmd/vivarium/datadir"
	"vivarium/cmd/vivarium/dotenv"
	"vivarium/sandbox/quantity"
)

const (
	scarceSpace = 5 << 30
	noSpace     = 512 << 20
)

// Dotenv checks who can read .env.
func Dotenv(c *Checkup) {
	info, err := os.Stat(dotenv.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Add(Fine, dotenv.File, "none here; settings come from the environment")
	case err != nil:
		c.Add(Essential, dotenv.File, "%v", err)
	case info.Mode().Perm()&0o077 != 0:
		c.Add(Advice, dotenv.File, "others on this machine can read its secrets; run: chmod 600 %s", dotenv.File)
	default:
		c.Add(Fine, dotenv.File, "only its owner can read it")
	}
}

// DataDir checks the folder of the server's data: whose it is, and how much space it has.
func DataDir(c *Checkup, dir string) {
	if err := writable(dir); err != nil {
		c.Add(Essential, "data", "%v; set VIVARIUM_DATA_DIR to a folder that can be written", err)
		return
	}
	c.Add(Fine, "data", "%s can be written", dir)
	privacy(c, dir)
	free, err := freeSpace(existing(dir))
	size := quantity.Bytes(int64(free))
	switch {
	case err != nil:
		c.Add(Advice, "space", "cannot tell the free space of %s: %v", dir, err)
	case free < noSpace:
		c.Add(Essential, "space", "%s is free for the data; make room, or move VIVARIUM_DATA_DIR", size)
	case free < scarceSpace:
		c.Add(Advice, "space", "%s is free for the data; logs and packages need %s to be on the safe side",
			size, quantity.Bytes(scarceSpace))
	default:
		c.Add(Fine, "space", "%s is free for the data", size)
	}
}

// writable tries to make a file in dir, or in the nearest folder above it that exists.
func writable(dir string) error {
	f, err := os.CreateTemp(existing(dir), ".vivarium-doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// existing is the nearest existing folder from dir upwards.
func existing(dir string) string {
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			return at
		}
	}
}

func freeSpace(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}

// privacy checks that nobody else can enter the data folder.
func privacy(c *Checkup, dir string) {
	open, ours, err := datadir.Look(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist): // it will be made for its owner only
	case err != nil:
		c.Add(Essential, "data", "%v; %s", err, datadir.CloseHint(dir))
	case open && ours:
		c.Add(Advice, "data", "other users of this machine may enter %s, read it, and stop every write; the next "+
			"start closes it, or run: chmod 700 %s", dir, dir)
	case open:
		c.Add(Essential, "data", "other users of this machine may enter %s, and it holds more than Vivarium's "+
			"files; %s", dir, datadir.CloseHint(dir))
	}
}
