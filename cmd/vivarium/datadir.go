package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// makeDataDir makes the data directory, or closes an existing one to others on the machine: it
// holds logs of private repositories, and whoever can open the database's files can stop every
// write.
func makeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the data directory: %w; set VIVARIUM_DATA_DIR to a folder that can be written",
			err)
	}
	open, ours, err := lookAtDataDir(dir)
	if err == nil && open && ours {
		err = os.Chmod(dir, 0o700)
	}
	switch {
	case err != nil:
		return fmt.Errorf("cannot keep others out of the data directory: %w; %s", err, closeDataDir(dir))
	case open && !ours:
		return fmt.Errorf("other users of this machine may enter the data directory %s, which holds more than "+
			"Vivarium's files; %s", dir, closeDataDir(dir))
	}
	return nil
}

func closeDataDir(dir string) string {
	return fmt.Sprintf("as its owner, run: chmod 700 %s; or set VIVARIUM_DATA_DIR to a folder of its own", dir)
}

// lookAtDataDir reports whether others may enter the folder, and whether it is Vivarium's own:
// empty, or used by Vivarium before. A home or /tmp is not ours to close.
func lookAtDataDir(dir string) (open, ours bool, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return false, false, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, false, err
	}
	ours = len(entries) == 0
	for _, name := range []string{instanceFile, databaseFile} {
		_, err := os.Stat(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, false, err
		}
		ours = ours || err == nil
	}
	// A folder with the sticky bit is shared by everybody.
	return info.Mode().Perm()&0o077 != 0, ours && info.Mode()&fs.ModeSticky == 0, nil
}

// privacy checks that nobody else can enter the data folder.
func (c *checkup) privacy(dir string) {
	open, ours, err := lookAtDataDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist): // it will be made for its owner only
	case err != nil:
		c.add(essential, "data", "%v; %s", err, closeDataDir(dir))
	case open && ours:
		c.add(advice, "data", "other users of this machine may enter %s, read it, and stop every write; the next "+
			"start closes it, or run: chmod 700 %s", dir, dir)
	case open:
		c.add(essential, "data", "other users of this machine may enter %s, and it holds more than Vivarium's "+
			"files; %s", dir, closeDataDir(dir))
	}
}
