// Package addresses tells the public Internet from all other addresses.
package addresses

import "net/netip"

// special are the address blocks that are not the public Internet, from IANA's
// special-purpose registries (RFC 6890 and its updates). For IPv6 only 2000::/3 is
// public; these are the exceptions inside it.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"168.63.129.16/32", // a public address, but Azure's platform service answers there on every host
	"2001::/23",        // Teredo, ORCHID, benchmarking
	"2001:db8::/32",
	"2002::/16", // 6to4: an IPv4 address in disguise
	"3fff::/20",
)

var globalUnicast6 = netip.MustParsePrefix("2000::/3")

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// Public reports whether a is an address of the public Internet. NAT64 (64:ff9b::/96
// and 64:ff9b:1::/48) and other IPv6 forms that hold an IPv4 address are not.
func Public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.Is6() && !globalUnicast6.Contains(a) {
		return false
	}
	return a.IsValid() && !Within(special, a)
}

// Within reports whether one of the networks holds a.
func Within(list []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
