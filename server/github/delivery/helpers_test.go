package delivery_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"net/http"
)

func sha1Of(body []byte) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write(body)
	return "sha1=" + hex.EncodeToString(mac.Sum(nil))
}

func sha1Only(h http.Header, body []byte) {
	h.Del("X-Hub-Signature-256")
	h.Set("X-Hub-Signature", sha1Of(body))
}
