// Package datadir keeps the server's data directory: to its owner alone, and with a name of its own.
package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// DatabaseFile is the embedded database, in the data directory.
const DatabaseFile = "vivarium.db"

// Make makes the data directory, or closes an existing one to others on the machine: it
// holds logs of private repositories, and whoever can open the database's files can stop every
// write.
func Make(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the data directory: %w; set VIVARIUM_DATA_DIR to a folder that can be written",
			err)
	}
	open, ours, err := Look(dir)
	if err == nil && open && ours {
		err = os.Chmod(dir, 0o700)
	}
	switch {
	case err != nil:
		return fmt.Errorf("cannot keep others out of the data directory: %w; %s", err, CloseHint(dir))
	case open && !ours:
		return fmt.Errorf("other users of this machine may enter the data directory %s, which holds more than "+
			"Vivarium's files; %s", dir, CloseHint(dir))
	}
	return nil
}

// CloseHint says how to keep others out.
func CloseHint(dir string) string {
	return fmt.Sprintf("as its owner, run: chmod 700 %s; or set VIVARIUM_DATA_DIR to a folder of its own", dir)
}

// Look reports whether others may enter the folder, and whether it is Vivarium's own:
// empty, or used by Vivarium before. A home or /tmp is not ours to close.
func Look(dir string) (open, ours bool, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return false, false, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, false, err
	}
	ours = len(entries) == 0
	for _, name := range []string{InstanceFile, DatabaseFile} {
		_, err := os.Stat(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, false, err
		}
		ours = ours || err == nil
	}
	// A folder with the sticky bit is shared by everybody.
	return info.Mode().Perm()&0o077 != 0, ours && info.Mode()&fs.ModeSticky == 0, nil
}
