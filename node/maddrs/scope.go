package maddrs

import (
	"net/netip"
	"slices"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Addresses that mean a different machine in each network: loopback, private (RFC 1918
// and RFC 4193), link-local and carrier-grade NAT.
var (
	local4 = prefixes("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
		"169.254.0.0/16", "100.64.0.0/10")
	local6 = prefixes("::1/128", "fc00::/7", "fe80::/10")
)

func prefixes(text ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(text))
	for i, t := range text {
		list[i] = netip.MustParsePrefix(t)
	}
	return list
}

// LocalPrefixes returns the networks of IPv4 and IPv6 for which IsLocal is true.
func LocalPrefixes() (ip4, ip6 []netip.Prefix) {
	return slices.Clone(local4), slices.Clone(local6)
}

// IsLocal reports whether an address means a different machine in each network. It is
// false for the zero Addr.
func IsLocal(ip netip.Addr) bool {
	contains := func(net netip.Prefix) bool { return net.Contains(ip) }
	return slices.ContainsFunc(local4, contains) || slices.ContainsFunc(local6, contains)
}

// IsPublic reports whether an address is a direct one on the Internet.
func IsPublic(addr ma.Multiaddr) bool {
	return Transport(addr) != Relay && manet.IsPublicAddr(addr)
}

// IsPublic4 reports whether an IP address is an IPv4 one on the Internet.
func IsPublic4(ip netip.Addr) bool {
	addr, err := manet.FromIP(ip.AsSlice())
	return err == nil && ip.Is4() && manet.IsPublicAddr(addr)
}

// IsPrivate4 reports whether an IP address is an IPv4 one that needs a NAT to reach the
// Internet.
func IsPrivate4(ip netip.Addr) bool { return ip.Is4() && !ip.IsLoopback() && !IsPublic4(ip) }

// Scope orders addresses by how far they reach: 0 for the Internet, 1 for private
// networks, 2 for link-local addresses and 3 for loopback.
func Scope(addr ma.Multiaddr) int {
	switch {
	case manet.IsIPLoopback(addr):
		return 3
	case manet.IsIP6LinkLocal(addr):
		return 2
	case manet.IsPrivateAddr(addr):
		return 1
	}
	return 0
}
