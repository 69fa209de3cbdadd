package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"

	"github.com/labstack/echo/v4"
)

// clientAddress finds the address that a request comes from. A header counts only when a trusted
// proxy sent it; otherwise the connection's peer counts.
func clientAddress(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	// Echo trusts all private networks unless it is told otherwise.
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, n := range trusted {
		options = append(options, echo.TrustIPRange(&net.IPNet{IP: n.Addr().AsSlice(),
			Mask: net.CIDRMask(n.Bits(), n.Addr().BitLen())}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// unmap writes networks of IPv4 addresses in one way, without host bits.
func unmap(networks []netip.Prefix) []netip.Prefix {
	out := make([]netip.Prefix, len(networks))
	for i, n := range networks {
		if n.Addr().Is4In6() && n.Bits() >= 96 {
			n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
		}
		out[i] = n.Masked()
	}
	return out
}

// checkProxies refuses to trust everybody: then anyone could claim any address.
func checkProxies(trusted []netip.Prefix) error {
	for _, n := range trusted {
		if n.Bits() == 0 {
			return fmt.Errorf("VIVARIUM_TRUSTED_PROXIES names every address there is (%s); name only your "+
				"proxies, such as 127.0.0.1/32", n)
		}
	}
	return nil
}

// throughProxy reports whether a trusted proxy asks on behalf of somebody else.
func (s *Server) throughProxy(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && s.isProxy(peer.Addr())
}

func (s *Server) isProxy(peer netip.Addr) bool {
	return slices.ContainsFunc(s.config.TrustedProxies, func(n netip.Prefix) bool {
		return n.Contains(peer.Unmap().WithZone(""))
	})
}
