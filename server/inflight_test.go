package server

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"vivarium/server/shares"
)

func TestBodiesTogetherHoldABoundedAmountOfMemory(t *testing.T) {
	all := shares.New(maxInFlight)
	hold := func() *held { return &held{of: all, client: "127.0.0.1"} }
	others := hold()
	if err := others.take(maxInFlight - bodyStep); err != nil {
		t.Fatal(err)
	}
	one := hold()
	if body, err := one.readAll(strings.NewReader("small")); err != nil || string(body) != "small" {
		t.Errorf("control: a body that fits: %q, %v", body, err)
	}
	two := hold()
	var full *Problem
	if _, err := two.readAll(strings.NewReader("small")); !errors.As(err, &full) ||
		full.status != http.StatusServiceUnavailable {
		t.Errorf("a body that does not fit: %v, want a 503", err)
	}
	two.free()
	one.free()
	others.free()
	if err := all.Take("127.0.0.1", maxInFlight); err != nil {
		t.Errorf("some bytes are still counted: %v", err)
	}
}

func TestBodyIsReadWholeHoweverLargeItIs(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789"), 100_000)
	held := &held{of: shares.New(maxInFlight)}
	defer held.free()
	if got, err := held.readAll(io.MultiReader(bytes.NewReader(want[:7]), bytes.NewReader(want[7:]))); err != nil ||
		!bytes.Equal(got, want) {
		t.Errorf("got %d bytes, %v; want %d", len(got), err, len(want))
	}
}

func TestNobodyIsLocalToAServerWithAPublicAddress(t *testing.T) {
	for _, c := range []struct {
		url    string
		public bool
	}{
		{"", false},
		{"http://127.0.0.1:8001", false},
		{"http://localhost:8001/ci", false},
		{"http://[::1]:8001", false},
		{"https://ci.example.org", true},
		{"http://192.0.2.7:8001", true},
	} {
		if got := (Config{PublicURL: c.url}).isPublic(); got != c.public {
			t.Errorf("isPublic(%q) = %v, want %v", c.url, got, c.public)
		}
	}
}
