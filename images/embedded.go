package images

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Embedded returns the SHA-256 of each vivarium-init that is built into this binary, by
// architecture. It is empty in a binary that was built without `make build`.
func Embedded() (map[string]string, error) {
	entries, err := initbin.ReadDir("initbin")
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for _, e := range entries {
		arch, ok := strings.CutPrefix(e.Name(), "vivarium-init-linux-")
		if !ok {
			continue
		}
		data, err := initbin.ReadFile("initbin/" + e.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		sums[arch] = hex.EncodeToString(sum[:])
	}
	return sums, nil
}
