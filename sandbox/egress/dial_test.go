package egress

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"vivarium/sandbox/egress/egresstest"
)

func TestOnlyPublicAddressesAreReachable(t *testing.T) {
	public := guard{public: true}
	for addr, want := range map[string]bool{
		"151.101.0.223": true, "1.1.1.1": true, "2a04:4e42::223": true, "2606:4700::1": true, "::ffff:1.1.1.1": true,
		"172.15.255.255": true, "172.32.0.1": true, "100.63.255.255": true, "100.128.0.1": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "100.64.0.1": false, "100.100.100.200": false,
		"127.0.0.1": false, "127.255.0.1": false, "169.254.169.254": false, "172.16.0.1": false,
		"172.31.255.255": false,
		"192.0.0.192":    false, "192.0.2.1": false, "192.88.99.1": false, "192.168.1.1": false, "198.18.0.1": false,
		"198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false, "239.1.1.1": false, "240.0.0.1": false,
		"255.255.255.255": false, "168.63.129.16": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::127.0.0.1": false,
		"fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd00:ec2::254": false, "fec0::1": false,
		"ff02::1":         false,
		"64:ff9b::7f00:1": false, "64:ff9b:1::7f00:1": false, "2002:7f00:1::": false, "2001::1": false,
		"2001:db8::1": false,
		"3fff::1":     false, "100::1": false,
	} {
		if got := public.permits(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s reachable: %v, want %v", addr, got, want)
		}
		if (guard{}).permits(netip.MustParseAddr(addr)) {
			t.Errorf("%s is reachable though nothing is open", addr)
		}
	}
	listed := guard{allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	for addr, want := range map[string]bool{
		"10.1.2.3":        true,
		"::ffff:10.1.2.3": true,
		"10.2.0.1":        false,
		"1.1.1.1":         false,
	} {
		if got := listed.permits(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s listed: %v, want %v", addr, got, want)
		}
	}
}

// useResolver makes all names resolve by answer until the test ends.
func useResolver(t *testing.T, answer func() [4]byte) {
	t.Helper()
	restore, err := egresstest.UseNames(func(string) ([4]byte, bool) { return answer(), true })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(restore)
}

func TestANameThatChangesItsAddressGainsNothing(t *testing.T) {
	var reached atomic.Int32
	oracle := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(oracle.Close)
	var lookups atomic.Int32
	useResolver(t, func() [4]byte {
		if lookups.Add(1) == 1 {
			return [4]byte{151, 101, 0, 223}
		}
		return [4]byte{127, 0, 0, 1}
	})
	_, port, _ := strings.Cut(strings.TrimPrefix(oracle.URL, "http://"), ":")
	target := "http://rebinding.example:" + port

	// A check by look-up would see a public address now, but the dial would get another one.
	addrs, err := net.DefaultResolver.LookupHost(t.Context(), "rebinding.example")
	if err != nil || len(addrs) != 1 || addrs[0] != "151.101.0.223" {
		t.Fatalf("control: the first look-up gave %v, %v", addrs, err)
	}
	get := func(g guard) error {
		tr := g.transport(nil)
		defer tr.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), "GET", target, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := tr.RoundTrip(req)
		if err == nil {
			res.Body.Close()
		}
		return err
	}
	if err := get(guard{allow: loopback}); err != nil || reached.Load() != 1 {
		t.Fatalf("control: with loopback listed the oracle is not reached: %v", err)
	}
	var refused *addressError
	if err := get(guard{public: true}); !errors.As(err, &refused) {
		t.Errorf("got %v, want the address refused", err)
	}
	if n := reached.Load(); n != 1 {
		t.Errorf("the oracle was reached %d times, want only by the control", n)
	}
}
