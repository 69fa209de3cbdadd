// Package debianwheels makes wheels of well-known Python packages from Debian's packages of them,
// for a package index of the tests' own: pip then resolves and installs what users depend on, where
// PyPI does not answer too. Nothing is installed on this machine.
package debianwheels

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// recipe is changed when the same Debian packages would make other wheels than before.
const recipe = "1"

// Folder returns a folder of wheels of the Debian packages and of the Python packages that they
// depend on. It is made once in the user's cache, for whoever asks for the same packages.
func Folder(ctx context.Context, packages ...string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	cache := filepath.Join(base, "vivarium-test")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", fmt.Errorf("make the folder for wheels: %w", err)
	}
	sum := sha256.Sum256([]byte(recipe + "\n" + strings.Join(packages, "\n")))
	folder := filepath.Join(cache, "wheels-"+hex.EncodeToString(sum[:6]))
	lock := flock.New(folder + ".lock")
	if _, err := lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return "", fmt.Errorf("wait for the test that makes wheels: %w", err)
	}
	defer lock.Close()
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		return folder, err
	}
	// Only whole folders get the name.
	made := folder + ".part"
	if err := errors.Join(os.RemoveAll(made), os.Mkdir(made, 0o700)); err != nil {
		return "", err
	}
	if err := Make(ctx, made, packages...); err != nil {
		return "", err
	}
	return folder, os.Rename(made, folder)
}

// Make writes the wheels to an existing folder.
func Make(ctx context.Context, folder string, packages ...string) error {
	tmp, err := os.MkdirTemp("", "vivarium-debs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	needs, err := dependencies(ctx, packages)
	if err != nil {
		return err
	}
	debs, err := download(ctx, tmp, closure(needs, packages))
	if err != nil {
		return err
	}
	found, err := readAll(ctx, debs)
	if err != nil {
		return err
	}
	for _, name := range packages {
		if len(found[name]) == 0 {
			return fmt.Errorf("the Debian package %s holds no Python package that a wheel can be made of", name)
		}
	}
	for deb, all := range found {
		for _, d := range all {
			d.complete(needs[deb], found)
			if err := d.write(folder); err != nil {
				return fmt.Errorf("write the wheel of %s: %w", d.name, err)
			}
		}
	}
	return nil
}

// readAll unpacks Debian packages, and gives the Python packages that each holds.
func readAll(ctx context.Context, debs []string) (map[string][]distribution, error) {
	found := map[string][]distribution{}
	for _, deb := range debs {
		root, err := unpack(ctx, deb)
		if err != nil {
			return nil, err
		}
		if found[filepath.Base(root)], err = readDistributions(root); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(deb), err)
		}
	}
	return found, nil
}
