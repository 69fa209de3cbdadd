package shares

import (
	"errors"
	"testing"
)

func TestNoNetworkTakesMoreThanItsShare(t *testing.T) {
	s := New(8)
	take := func(client string, n int64, want error) {
		t.Helper()
		if err := s.Take(client, n); !errors.Is(err, want) {
			t.Errorf("%s takes %d: %v, want %v", client, n, err, want)
		}
	}
	take("192.0.2.1", 2, nil)
	take("192.0.2.1", 1, ErrNoShare)
	take("2001:db8::1", 1, nil)
	take("2001:db8::2", 1, nil) // the same subscriber's
	take("2001:db8::3", 1, ErrNoShare)
	take("127.0.0.1", 3, nil) // this machine may have all that is left
	take("192.0.2.2", 2, ErrNoneLeft)
	take("192.0.2.2", 1, nil)
	take("192.0.2.3", 1, ErrNoneLeft)
	s.GiveBack("192.0.2.1", 2)
	take("192.0.2.3", 1, nil)
	for client, n := range map[string]int64{"2001:db8::9": 2, "127.0.0.1": 3, "192.0.2.2": 1, "192.0.2.3": 1} {
		s.GiveBack(client, n)
	}
	if s.total != 0 || len(s.byNet) != 0 {
		t.Errorf("when all is given back %d are counted, of %v", s.total, s.byNet)
	}
}
