package sandbox

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/hashicorp/yamux"
)

// TestLowerBlamesTheLimitsOnlyForWhatIsTheirs: an engine may fail whatever a repository asked for.
// But it also reports as its own failure that the kernel finds more in use.
func TestLowerBlamesTheLimitsOnlyForWhatIsTheirs(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		message string
		refused bool
	}{
		"more in use": {http.StatusInternalServerError, "Cannot update container c: runc did not terminate " +
			"successfully: exit status 1: " +
			"unable to set memory limit to 134217728 (current usage: 180039680, peak usage: 194850816)\n: " +
			"unknown", true},
		"too little": {http.StatusBadRequest, "Minimum memory limit allowed is 6MB", true},
		"time-out": {
			http.StatusInternalServerError,
			"Cannot update container c: context deadline exceeded: unknown",
			false,
		},
		"no shim": {http.StatusInternalServerError, "Cannot update container c: ttrpc: closed: unknown", false},
		"conflict": {
			http.StatusConflict,
			"Cannot update container c: Container is marked for removal and cannot be \"update\".",
			false,
		},
		"stopping": {http.StatusServiceUnavailable, "the engine shuts down", false},
	} {
		t.Run(name, func(t *testing.T) {
			e := fakeEngine(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				_ = json.NewEncoder(w).Encode(map[string]string{"message": c.message})
			})
			near, far := net.Pipe()
			t.Cleanup(func() { far.Close() })
			session, err := yamux.Client(near, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { session.Close() })
			s := &Sandbox{engine: e, id: "c", spec: Spec{Limits: DefaultLimits(e.info)}, session: session}
			err = s.Lower(t.Context(), Limits{Memory: 64 << 20})
			var refused *RefusedError
			if err == nil || errors.As(err, &refused) != c.refused {
				t.Errorf("got %T, %v; want a refusal of the limits: %t", err, err, c.refused)
			}
		})
	}
}
