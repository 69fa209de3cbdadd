package https

import (
	"strings"
	"testing"
)

func TestSettingsOfTLSThatDoNotGoTogether(t *testing.T) {
	for want, c := range map[string]Settings{
		"VIVARIUM_TLS_KEY go together":   {CertFile: "c"},
		"VIVARIUM_TLS_CERT and VIVARIUM": {KeyFile: "k"},
		"exclude each other":             {CertFile: "c", KeyFile: "k", Domains: []string{"ci.example"}},
		"goes with VIVARIUM_TLS_DOMAIN":  {Directory: "https://acme.example"},
		"192.0.2.1":                      {Domains: []string{"192.0.2.1"}},
		"*.ci.example":                   {Domains: []string{"*.ci.example"}},
		"localhost":                      {Domains: []string{"localhost"}},
		"CI.example":                     {Domains: []string{"ok.example", "CI.example"}},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
	for _, c := range []Settings{{}, {CertFile: "c", KeyFile: "k"},
		{Domains: []string{"ci.example", "xn--bcher-kva.example"}, Directory: "https://acme.example"}} {
		if err := c.Check(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
