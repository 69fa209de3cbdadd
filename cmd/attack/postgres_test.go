package attack

import (
	"testing"
	"time"

	"vivarium/server/store/storetest"
)

// startPostgres starts a server of the test's own and gives its database's address.
func startPostgres(t *testing.T) string {
	t.Helper()
	server, err := storetest.Start(patience(t, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	address, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}
