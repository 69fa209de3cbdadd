package personaltoken

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"vivarium/server"
)

// TestATokenThatIsRenewedInDotenvReachesTheRunningServer: written into the file, put in its place,
// and changed in the same moment.
func TestATokenThatIsRenewedInDotenvReachesTheRunningServer(t *testing.T) {
	t.Chdir(t.TempDir())
	var log bytes.Buffer
	s := New(nil, "ghp_old", slog.New(slog.NewTextHandler(&log, nil)))
	long := time.Now().Add(-time.Hour)
	for _, c := range []struct {
		content string
		how     func(t *testing.T, content string)
		want    server.Secret
	}{
		{"", func(*testing.T, string) {}, "ghp_old"}, // no file
		{"GITHUB_TOKEN=ghp_one\n", writeDotenv, "ghp_one"},
		{"GITHUB_TOKEN=ghp_two\n", writeDotenv, "ghp_two"}, // of the same size, in the same moment
		{"GITHUB_TOKEN=ghp_three\n", func(t *testing.T, content string) {
			writeDotenv(t, "")
			if err := errors.Join(os.WriteFile("new", []byte(content), 0o600), os.Rename("new", ".env")); err != nil {
				t.Fatal(err)
			}
		}, "ghp_three"},
		{"GITHUB_TOKEN=ghp_threefour\n", func(t *testing.T, content string) {
			writeDotenv(t, content)
			if err := os.Chtimes(".env", long, long); err != nil {
				t.Fatal(err)
			}
		}, "ghp_threefour"},
		{"", writeDotenv, "ghp_threefour"}, // its writer is not done
		{"GITHUB_TOKEN=ghp_has a space\n", writeDotenv, "ghp_threefour"},
		{"GITHUB_TOKEN\nnot a line hush\n", writeDotenv, "ghp_threefour"},
		{"GITHUB_TOKEN=ghp_five\n", writeDotenv, "ghp_five"},
		{"", func(t *testing.T, _ string) {
			if err := os.Remove(".env"); err != nil {
				t.Fatal(err)
			}
		}, "ghp_five"},
	} {
		before := s.Fingerprint()
		changes := c.want != s.token
		c.how(t, c.content)
		if got := s.Now(); got != c.want {
			t.Errorf("after %q: got %s, want %s", c.content, string(got), string(c.want))
		}
		if (s.Fingerprint() != before) != changes {
			t.Errorf("after %q: the fingerprint does not tell whether it is another token", c.content)
		}
	}
	if text := log.String(); strings.Contains(text, "ghp_") || strings.Contains(text, "hush") ||
		!strings.Contains(text, "not renewed") {
		t.Errorf("the log says %s", text)
	}
}

func TestATokenOfTheEnvironmentStays(t *testing.T) {
	t.Chdir(t.TempDir())
	writeDotenv(t, "GITHUB_TOKEN=ghp_other\n")
	if got := New([]string{"GITHUB_TOKEN=ghp_env"}, "ghp_env",
		slog.New(slog.DiscardHandler)).Now(); got != "ghp_env" {
		t.Errorf("got %s", string(got))
	}
	if got := New([]string{"OTHER=x"}, "ghp_old",
		slog.New(slog.DiscardHandler)).Now(); got != "ghp_other" {
		t.Errorf("control: without one there, got %s", string(got))
	}
}

func writeDotenv(t *testing.T, content string) {
	t.Helper()
	if err := os.WriteFile(".env", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
