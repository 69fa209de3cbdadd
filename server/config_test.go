package server

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"vivarium/server/store"
)

func TestSecretNeverPrints(t *testing.T) {
	const value = "hunter2hunter2"
	c := Config{WebhookSecret: value}
	body, err := json.Marshal(map[string]any{"secret": c.WebhookSecret})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", c.WebhookSecret)
	printed := fmt.Sprintf("%v %+v %#v %s %q %x", c, c, c, c.WebhookSecret, c.WebhookSecret, c.WebhookSecret) +
		string(body) + log.String()
	if strings.Contains(printed, value) || strings.Contains(printed, fmt.Sprintf("%x", value)) {
		t.Errorf("the secret is in %s", printed)
	}
	if string(c.WebhookSecret) != value {
		t.Errorf("the secret lost its value")
	}
}

func TestNewRefusesConfigurationsThatCannotWork(t *testing.T) {
	good := Config{
		ServerURL: "https://github.com", WebhookSecret: "s", Repositories: everyone, Key: testKey,
		Ready: func(context.Context) error { return nil }, Log: slog.New(slog.DiscardHandler),
	}
	if _, err := New(good, &store.Store{}); err != nil {
		t.Fatalf("a good configuration is refused: %v", err)
	}
	for want, change := range map[string]func(*Config){
		"GITHUB_WEBHOOK_SECRET": func(c *Config) { c.WebhookSecret = "" },
		"VIVARIUM_REPOSITORIES": func(c *Config) { c.Repositories = nil },
		"Config.Key":            func(c *Config) { c.Key = "" },
		"GITHUB_SERVER_URL":     func(c *Config) { c.ServerURL = "github.com" },
		"VIVARIUM_PUBLIC_URL":   func(c *Config) { c.PublicURL = "ftp://ci.example" },
		"user":                  func(c *Config) { c.PublicURL = "https://me:pw@ci.example" },
		"Config.Ready":          func(c *Config) { c.Ready = nil },
	} {
		c := good
		change(&c)
		if _, err := New(c, &store.Store{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one that names %s", err, want)
		}
	}
}

func TestBuildURLIsEmptyWithoutPublicURL(t *testing.T) {
	for public, want := range map[string]string{
		"":                       "",
		"https://ci.example":     "https://ci.example/logs/7",
		"https://ci.example/ci/": "https://ci.example/ci/logs/7",
	} {
		if got := (Config{PublicURL: public}).BuildURL(7); got != want {
			t.Errorf("BuildURL with public URL %q = %q, want %q", public, got, want)
		}
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
