package datadir

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KeyBytes is the length of a generated key: HMAC-SHA256 shortens a longer one to this length.
const KeyBytes = 32

// HasDatabase reports whether the embedded database is there.
func HasDatabase(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, DatabaseFile))
	return !errors.Is(err, fs.ErrNotExist)
}

// Key is the operator's key of a data directory, made at first use.
func Key(dir string) ([]byte, error) {
	file := filepath.Join(dir, "key")
	used := HasDatabase(dir) // asked first: the key is made before the database
	key, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if used {
			return nil, fmt.Errorf("cannot find the operator's key in %s, though the database is there: put the "+
				"key back from your backup, or set VIVARIUM_KEY to it; "+
				"if it is lost, `openssl rand -base64 32 > %s` makes another, and every webhook needs the secret "+
				"that `vivarium repos secret` prints then", file, file)
		}
		random := make([]byte, KeyBytes)
		_, _ = rand.Read(random) // never fails (crypto/rand)
		key, err = KeepFirst(file, []byte(base64.StdEncoding.EncodeToString(random)))
	}
	if err == nil && len(strings.TrimSpace(string(key))) < KeyBytes {
		err = errors.New("it is too short to be a key; put back the right one, or write another into it, as " +
			"`openssl rand -base64 32` prints, and give every webhook a new secret")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the operator's key in %s: %w", file, err)
	}
	return []byte(strings.TrimSpace(string(key))), nil
}
