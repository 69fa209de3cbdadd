package registry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// Secret is the webhook secret of a repository. It is derived from the operator's key, the
// repository's name without regard to case, and how often the secret was changed (HMAC-SHA256, so
// that a secret tells nothing about another one or about the key).
func Secret(key []byte, name string, generation int64) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "vivarium webhook secret\x00%s\x00%d", strings.ToLower(name), generation)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
