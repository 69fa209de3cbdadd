package egress

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	for _, rt := range []http.RoundTripper{sharedOwn(), sharedGuarded(), http.DefaultTransport} {
		rt.(*http.Transport).CloseIdleConnections()
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
