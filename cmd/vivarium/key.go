package main

import (
	"errors"

	"vivarium/cmd/vivarium/datadir"
)

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
	return datadir.Key(c.dataDir)
}
