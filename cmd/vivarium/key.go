package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"vivarium/cmd/vivarium/datadir"
)

// keyBytes is the length of a generated key: HMAC-SHA256 shortens a longer one to this length.
const keyBytes = 32

// operatorKey is the key that the secrets of repositories are derived from: VIVARIUM_KEY, else a
// file in the data directory, made at first use. Servers that share a database must share the key,
// so there it must be set.
func operatorKey(c config) ([]byte, error) {
	if c.key != "" {
		return []byte(c.key), nil
	}
	if c.databaseURL != "" {
		return nil, errors.New("cannot derive webhook secrets: with VIVARIUM_DATABASE_URL set VIVARIUM_KEY too, to " +
			"the same for every server; `openssl rand -base64 32` makes one")
	}
	file := filepath.Join(c.dataDir, "key")
	used := hasDatabase(c) // asked first: the key is made before the database
	key, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if used {
			return nil, fmt.Errorf("cannot find the operator's key in %s, though the database is there: put the "+
				"key back from your backup, or set VIVARIUM_KEY to it; "+
				"if it is lost, `openssl rand -base64 32 > %s` makes another, and every webhook needs the secret "+
				"that `vivarium repos secret` prints then", file, file)
		}
		random := make([]byte, keyBytes)
		_, _ = rand.Read(random) // never fails (crypto/rand)
		key, err = datadir.KeepFirst(file, []byte(base64.StdEncoding.EncodeToString(random)))
	}
	if err == nil && len(strings.TrimSpace(string(key))) < keyBytes {
		err = errors.New("it is too short to be a key; put back the right one, or write another into it, as " +
			"`openssl rand -base64 32` prints, and give every webhook a new secret")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the operator's key in %s: %w", file, err)
	}
	return []byte(strings.TrimSpace(string(key))), nil
}
