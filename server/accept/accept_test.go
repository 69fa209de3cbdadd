package accept

import (
	"net/http/httptest"
	"testing"
)

func TestBrowsersGetPagesAndProgramsJSON(t *testing.T) {
	for accept, want := range map[string]bool{
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": true,
		"text/html":                       true,
		"text/html;q=0.9":                 true,
		"application/json, text/html;q=1": true,
		"":                                false,
		"*/*":                             false,
		"application/json":                false,
		"application/json,text/html;q=.5": false,
		"text/html;q=0":                   false,
		"text/event-stream":               false,
		"text/html;q=2":                   false,
		"text/html;q=x":                   false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept", accept)
		if got := Page(r); got != want {
			t.Errorf("Accept %q: page %v, want %v", accept, got, want)
		}
	}
}
