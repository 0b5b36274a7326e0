package doctor

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Own returns the global unicast addresses of this machine's interfaces.
func Own() (own []netip.Addr) {
	addrs, _ := net.InterfaceAddrs()
	for _, addr := range addrs {
		prefix, err := netip.ParsePrefix(addr.String())
		if err != nil {
			continue
		}
		if ip := prefix.Addr().Unmap(); ip.IsGlobalUnicast() {
			own = append(own, ip)
		}
	}
	return own
}

// carrier is the range that carrier-grade NATs use (RFC 6598), and some VPNs.
var carrier = netip.MustParsePrefix("100.64.0.0/10")

// documented are ranges for documentation and benchmarks, which Go does not count as private.
var documented = []netip.Prefix{
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("2001:db8::/32"),
}

func isPrivate(ip netip.Addr) bool {
	return ip.IsPrivate() || slices.ContainsFunc(documented, func(p netip.Prefix) bool {
		return p.Contains(ip)
	})
}

// Addresses checks what this machine's own addresses say about how others can reach it.
func Addresses(own []netip.Addr) []Check {
	var v4, v6, private, shared []string
	for _, ip := range own {
		switch {
		case carrier.Contains(ip):
			shared = append(shared, ip.String())
		case isPrivate(ip):
			private = append(private, ip.String())
		case ip.Is4():
			v4 = append(v4, ip.String())
		default:
			v6 = append(v6, ip.String())
		}
	}
	return []Check{addresses4(v4, private, shared), addresses6(v6)}
}

func addresses4(public, private, shared []string) Check {
	c := ok("addresses", "")
	switch {
	case len(public) > 0:
		c.What = "public: others can call this machine at " + strings.Join(public, ", ") +
			" unless a firewall blocks them"
	case len(shared) > 0:
		c.What = "shared by a carrier (" + strings.Join(shared, ", ") +
			"): its NAT is beyond your router, and no port can be opened there"
	case len(private) > 0:
		c.What = "only private addresses (" + strings.Join(private, ", ") +
			"): this machine is behind a NAT"
	default:
		c.What = "this machine has only loopback addresses, so it can't reach any other machine"
		return c.note("connect it to a network")
	}
	return c
}

func addresses6(global []string) Check {
	if len(global) == 0 {
		return ok("IPv6", "no global address: peers are reached by IPv4")
	}
	return ok("IPv6", "%s is global", strings.Join(global, ", "))
}
