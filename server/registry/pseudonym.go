package registry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// pseudonymBytes keep two names apart. More would not hide a name better from those who have the
// key.
const pseudonymBytes = 8

// Pseudonym stands in the audit for an erased name. Those who know the name and have the operator's
// key can tell that it is meant; nobody else learns the name (HMAC-SHA256 of the name without
// regard to case).
func Pseudonym(key []byte, name string) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "vivarium erased name\x00%s", strings.ToLower(name))
	return "erased:" + hex.EncodeToString(mac.Sum(nil)[:pseudonymBytes])
}
