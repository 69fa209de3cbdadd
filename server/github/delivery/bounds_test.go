package delivery_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"vivarium/server/github/delivery"
	"vivarium/server/github/githubtest/events"
)

// TestReadDeliveryHoldsLittleOfWhatNobodySigned: a payload names the repository whose secret must
// have signed it, so it is read before its signature can be checked. 25 MB of brackets took 1.8 GB.
func TestReadDeliveryHoldsLittleOfWhatNobodySigned(t *testing.T) {
	const size = 4 << 20
	var members strings.Builder
	for i := 0; members.Len() < size; i++ {
		fmt.Fprintf(&members, `"%x":1,`, i)
	}
	for name, payload := range map[string]string{
		"deep lists":      `{"a":` + strings.Repeat("[", size),
		"deep objects":    strings.Repeat(`{"a":`, size/5),
		"very many names": `{` + members.String() + `"z":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(payload)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := read(events.Header("not the secret", "push", body), body, secret)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, delivery.ErrMalformed) {
				t.Errorf("got %v, want ErrMalformed", err)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 2*size {
				t.Errorf("reading %d MiB took %d MiB", size>>20, got>>20)
			}
		})
	}
}

func TestReadDeliveryRefusesWhatNoOrganizationIsCalled(t *testing.T) {
	for _, login := range []string{"", "octo/hello", `a\u0000b`, "a b", strings.Repeat("x", 1<<20)} {
		body := []byte(`{"zen":"z","organization":{"login":"` + login + `"}}`)
		_, err := read(events.Header(secret, "ping", body), body, secret)
		if !errors.Is(err, delivery.ErrMalformed) || len(err.Error()) > 1000 {
			t.Errorf("login %.20q: got %.100v, want ErrMalformed", login, err)
		}
	}
}
