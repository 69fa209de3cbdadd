package database

import (
	"log/slog"
	"strings"
	"testing"
)

func TestThePasswordOfADatabaseURLStandsInNoError(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://user:hunter2@127.0.0.1:1/db?sslmode=bogus":                         "sslmode is invalid",
		"postgres://127.0.0.1:1/db?user=u&password=hunter2&sslmode=bogus":              "sslmode is invalid",
		"postgres://user:hunter2@127.0.0.1:bad/db":                                     "",
		"postgres://user:hunter2@127.0.0.1:1/db?connect_timeout=x&sslpassword=hunter2": "",
		// the control: it could be read
		"postgres://127.0.0.1:1/db?user=u&password=hunter2": "refused",
	} {
		_, err := openPostgres(t.Context(), url, slog.New(slog.DiscardHandler))
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", url, err, want)
		}
	}
}
