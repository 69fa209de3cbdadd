package doctor

import (
	"strings"
	"testing"

	"vivarium/server/https"
)

func TestHealthAddress(t *testing.T) {
	for addr, want := range map[string]string{
		":8001":          "http://127.0.0.1:8001/healthz",
		"[::]:8001":      "http://127.0.0.1:8001/healthz",
		"10.1.2.3:80":    "http://10.1.2.3:80/healthz",
		"[::1]:8001":     "http://[::1]:8001/healthz",
		"localhost:8001": "http://localhost:8001/healthz",
	} {
		secure := https.Settings{CertFile: "c", KeyFile: "k"}
		if got, err := healthURL(addr, secure); err != nil ||
			got.String() != strings.Replace(want, "http:", "https:", 1) {
			t.Errorf("%s: got %s, %v over TLS", addr, got, err)
		}
		if got, err := healthURL(addr, https.Settings{}); err != nil || got.String() != want {
			t.Errorf("%s: got %s, %v; want %s", addr, got, err, want)
		}
	}
}
