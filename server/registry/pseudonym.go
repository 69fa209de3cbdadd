package registry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// pseudonymBytes keep two names apart; more would not hide a name better from who has the key.
const pseudonymBytes = 8

// Pseudonym stands in the audit for a name that was erased. Who knows the name and has the operator's key can tell that it
// is meant; it tells nobody else which it was (HMAC-SHA256, of the name without regard to case).
func Pseudonym(key []byte, name string) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "vivarium erased name\x00%s", strings.ToLower(name))
	return "erased:" + hex.EncodeToString(mac.Sum(nil)[:pseudonymBytes])
}
